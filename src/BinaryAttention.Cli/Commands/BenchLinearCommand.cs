// bench linear: times fully connected layers in each precision, with the error of the 8-bit one against float32.
using System.CommandLine;
using System.Globalization;
using BinaryAttention.Cli.Benchmarking;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Commands;

internal static class BenchLinearCommand
{
    private const int Seed = 20260403;

    // The four layers of a DeiT-Tiny block and a size at which peaks are usually compared.
    private const string UsualShapes = "197x192x576,197x192x192,197x192x768,197x768x192,1024x1024x1024";

    public static Command Create(CliContext context)
    {
        var shapes = new Option<string>("--shape") { Description = "Rows, inputs and outputs of the layers, separated by commas.", DefaultValueFactory = _ => UsualShapes, HelpName = "RxIxO,..." };
        Option<int> threads = CommonOptions.Positive("--threads", "Threads a layer may use.", 1);
        Option<int> repeat = CommonOptions.Positive("--repeat", "Timed runs of each layer; the median is reported.", 51);
        Option<bool> json = CommonOptions.Json();
        var command = new Command("linear", "Time fully connected layers in float32 and 8 bits.") { shapes, threads, repeat, json };
        command.SetAction(parsed =>
        {
            Run(context, [.. parsed.GetValue(shapes)!.Split(',', StringSplitOptions.TrimEntries).Select(Shape)], parsed.GetValue(threads), parsed.GetValue(repeat), parsed.GetValue(json));
            return ExitCodes.Success;
        });
        ExampleHelpAction.Attach(command, """
            y = x W^T + b over rows of x, with the weights packed beforehand. Milliseconds of the 8-bit layer include quantising the rows. Rates count multiply-adds; the clock is
            measured in the same run. The error is that of the 8-bit output against the float32 one, relative in the 2-norm, on standard-normal inputs and weights.

            Examples:
              binattn bench linear
              binattn bench linear --shape 1024x1024x1024 --threads 2 --json
            """);
        return command;
    }

    private static void Run(CliContext context, (int Rows, int Inputs, int Outputs)[] shapes, int threads, int repeat, bool json)
    {
        List<string[]> table = [];
        double clock = CycleClock.MeasureGigahertz();
        ProgressReport.Run(context, "timing", shapes.Length * 2 * repeat, advance =>
        {
            foreach ((int rows, int inputs, int outputs) in shapes)
            {
                var random = new Random(Seed);
                var layer = new Linear(GaussianInputs.Normal(random, (long)outputs * inputs, "weights"), GaussianInputs.Normal(random, outputs, "bias"), outputs, inputs);
                float[] x = GaussianInputs.Normal(random, (long)rows * inputs, "rows");
                LinearCase[] cases = [new(layer, x, rows, LinearPrecision.Float32, threads), new(layer, x, rows, LinearPrecision.EightBit, threads)];
                RunTimes[] times = RunTimes.Measure([.. cases.Select(item => (Action)item.Run)], repeat, advance, context.Cancellation);
                for (int i = 0; i < cases.Length; i++)
                {
                    double rate = (double)rows * inputs * outputs / times[i].Median * 1e-6, best = (double)rows * inputs * outputs / times[i].Min * 1e-6;
                    double error = RelativeError(cases[i].Output, cases[0].Output);
                    (string precision, RunTimes measured) = (LinearPrecisions.NameOf(cases[i].Precision), times[i]);
                    if (json)
                    {
                        JsonLine.Write(context.Output, writer =>
                        {
                            writer.WriteNumber("rows", rows);
                            writer.WriteNumber("inputs", inputs);
                            writer.WriteNumber("outputs", outputs);
                            writer.WriteString("linear", precision);
                            writer.WriteNumber("threads", threads);
                            writer.Number("medianMilliseconds", measured.Median, 5);
                            writer.Number("minMilliseconds", measured.Min, 5);
                            writer.Number("gigaMultiplyAddsPerSecond", rate, 2);
                            writer.Number("multiplyAddsPerCycle", best / clock, 2);
                            writer.Number("relativeError", error, 6);
                            writer.Number("clockGigahertz", clock, 4);
                            writer.WriteNumber("repeat", repeat);
                            writer.WriteString("date", context.Time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
                            writer.WriteString("cpu", ProcessorName.Read());
                        });
                    }

                    table.Add([$"{rows} x {inputs} x {outputs}", precision, Text(times[i].Median, "F4"), Text(times[i].Min, "F4"), Text(rate, "F1"), Text(best / clock, "F1"), Text(error, "E1")]);
                }
            }
        });
        if (!json)
        {
            NumberTable.Write(
                Terminal.ForOutput(context),
                string.Create(CultureInfo.InvariantCulture, $"{threads} {(threads == 1 ? "thread" : "threads")}, {clock:F2} GHz"),
                ["rows x inputs x outputs", "linear", ">median ms", ">min ms", ">G multiply-adds/s", ">best per cycle", ">relative error"],
                [.. table]);
        }
    }

    private static double RelativeError(ReadOnlySpan<float> values, ReadOnlySpan<float> expected)
    {
        double error = 0, norm = 0;
        for (int i = 0; i < values.Length; i++)
        {
            error += Math.Pow((double)values[i] - expected[i], 2);
            norm += (double)expected[i] * expected[i];
        }

        return Math.Sqrt(error / norm);
    }

    private static (int Rows, int Inputs, int Outputs) Shape(string text)
    {
        string[] parts = text.Split('x');
        var sizes = new int[3];
        for (int i = 0; i < 3; i++)
        {
            if (parts.Length != 3 || !int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out sizes[i]) || sizes[i] < 1)
            {
                throw new BadInputException($"--shape holds \"{text}\"; three whole numbers of at least 1 are expected, rows x inputs x outputs, such as 197x192x768.");
            }
        }

        bool fits = (long)sizes[0] * sizes[1] <= Array.MaxLength / 2 && (long)sizes[1] * (sizes[2] + 64) <= Array.MaxLength / 2 && (long)sizes[0] * sizes[2] <= Array.MaxLength / 2;
        return fits ? (sizes[0], sizes[1], sizes[2]) : throw new BadInputException($"--shape holds {text}, whose matrices do not fit one array each. Give smaller sizes.");
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
