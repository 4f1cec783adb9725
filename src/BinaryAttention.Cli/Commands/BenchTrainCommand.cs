// bench train: times whole training steps of a vision transformer: forward, backward and AdamW.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Cli.Benchmarking;
using BinaryAttention.Cli.Console;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Commands;

internal static class BenchTrainCommand
{
    private const int Seed = 20260402;
    private const int LongestOperations = 8;

    public static Command Create(CliContext context)
    {
        Option<string> model = CommonOptions.Choice("--model", "Sizes of the model; its weights are random.", "deit-tiny", "deit-tiny", "deit-small", "deit-base");
        var image = new Option<string>("--image") { Description = "Sides of the square images in pixels, separated by commas.", DefaultValueFactory = _ => "224", HelpName = "a,b" };
        var attention = new Option<string>("--attention") { Description = "Kinds of attention, separated by commas: exact, binary.", DefaultValueFactory = _ => "exact,binary", HelpName = "a,b" };
        Option<string> quantization = CommonOptions.Choice("--quantization", "How binary attention holds probabilities and values.", "tiled", "full", "tiled", "training-parity");
        Option<int> batch = CommonOptions.Positive("--batch", "Images of one step.", 8);
        Option<int> threads = CommonOptions.Positive("--threads", "Threads a step may use.", Environment.ProcessorCount);
        Option<int> repeat = CommonOptions.Positive("--repeat", "Timed steps of each case; the median is reported.", 11);
        var recompute = new Option<bool>("--recompute") { Description = "Compute blocks again in the backward pass instead of keeping what is inside them." };
        var save = new Option<string?>("--save") { Description = "Append the results to a file, one JSON object a line.", HelpName = "FILE" };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("train", "Time training steps of vision transformers.") { model, image, attention, quantization, batch, threads, repeat, recompute, save, json };
        command.SetAction(parsed =>
        {
            string name = parsed.GetValue(model)!, held = parsed.GetValue(quantization)!;
            int batchSize = parsed.GetValue(batch), threadCount = parsed.GetValue(threads), rounds = parsed.GetValue(repeat);
            // Everything that may be refused, before the first minutes of timing.
            VisionTransformerConfiguration[] sizes = [.. Words(parsed.GetValue(image)!, "--image").Select(size => Sizes(name, size))];
            string[] kinds = Words(parsed.GetValue(attention)!, "--attention");
            LayerAttention[] layers = [.. kinds.Select(kind => Layer(kind, held))];
            if (parsed.GetValue(save) is { } results && !File.Exists(OutputPaths.File(results, save.Name, force: true)))
            {
                OutputFile.Probe(results);
            }

            foreach (VisionTransformerConfiguration configuration in sizes)
            {
                TrainCase[] cases = [.. kinds.Select((kind, i) => new TrainCase(configuration, kind, layers[i], parsed.GetValue(recompute), batchSize, threadCount, Seed))];
                RunTimes[] times = [];
                ProgressReport.Run(context, "timing", rounds * cases.Length, advance =>
                    times = RunTimes.Measure([.. cases.Select(item => (Action)item.Run)], rounds, advance, context.Cancellation, i => cases[i].StartCounting()));
                string[] lines = [.. cases.Select((item, i) => Line(context, item, times[i], name, held, batchSize, threadCount, rounds, parsed.GetValue(recompute)))];
                if (parsed.GetValue(save) is { } path)
                {
                    File.AppendAllLines(path, lines);
                }

                if (parsed.GetValue(json))
                {
                    Array.ForEach(lines, context.Output.WriteLine);
                }
                else
                {
                    Print(context, cases, times, name, batchSize, threadCount);
                }
            }

            return ExitCodes.Success;
        });
        ExampleHelpAction.Attach(command, """
            A step is forward, backward and AdamW on random images. Cases of one image size take turns. Milliseconds are medians; processor milliseconds add up all threads and leave out other
            processes. Memory is the most that values and gradients took at a time, without weights and optimiser states.

            Examples:
              binattn bench train --model deit-tiny --batch 8 --threads 2
              binattn bench train --image 1024 --batch 1 --repeat 3 --json
            """);
        return command;
    }

    private static VisionTransformerConfiguration Sizes(string name, string size)
    {
        VisionTransformerConfiguration preset = name switch
        {
            "deit-small" => VisionTransformerConfiguration.DeitSmall224,
            "deit-base" => VisionTransformerConfiguration.DeitBase224,
            _ => VisionTransformerConfiguration.DeitTiny224,
        };
        if (!int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out int side) || side < 1 || side % preset.PatchSize != 0)
        {
            throw new BadInputException($"--image names \"{size}\"; a multiple of {preset.PatchSize} pixels is expected.");
        }

        return preset.WithImageSize(side, side);
    }

    private static LayerAttention Layer(string kind, string quantization) => kind switch
    {
        "exact" => LayerAttention.Exact,
        "binary" => LayerAttention.OneBit(CommonOptions.Quantization(quantization)),
        _ => throw new BadInputException($"--attention names \"{kind}\"; exact or binary is expected."),
    };

    private static string Line(CliContext context, TrainCase item, RunTimes times, string model, string quantization, int batch, int threads, int repeat, bool recomputes)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("benchmark", "train");
            writer.WriteString("model", model);
            writer.WriteNumber("imageSize", item.Configuration.ImageHeight);
            writer.WriteNumber("tokens", item.Configuration.TokenCount);
            writer.WriteString("attention", item.Attention);
            writer.WriteString("quantization", item.Attention == "exact" ? null : quantization);
            writer.WriteNumber("batch", batch);
            writer.WriteNumber("threads", threads);
            writer.WriteBoolean("recompute", recomputes);
            writer.Number("medianMilliseconds", times.Median, 2);
            writer.Number("minMilliseconds", times.Min, 2);
            writer.Number("cpuMilliseconds", times.CpuMedian, 2);
            writer.Number("forwardMilliseconds", item.ForwardMedian, 2);
            writer.Number("backwardMilliseconds", item.BackwardMedian, 2);
            writer.WriteNumber("peakBytes", item.PeakBytes);
            writer.WriteNumber("repeat", repeat);
            writer.WriteString("date", context.Time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            writer.WriteString("cpu", ProcessorName.Read());
            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Print(CliContext context, TrainCase[] cases, RunTimes[] times, string model, int batch, int threads)
    {
        NumberTable.Write(
            Terminal.ForOutput(context),
            string.Create(CultureInfo.InvariantCulture, $"training step of {model}, {cases[0].Configuration.ImageHeight} x {cases[0].Configuration.ImageWidth}, {cases[0].Configuration.TokenCount} tokens, batch {batch}, {threads} {(threads == 1 ? "thread" : "threads")}"),
            ["attention", ">median ms", ">min ms", ">processor ms", ">forward ms", ">backward ms", ">images/s", ">memory MB"],
            [.. cases.Select((item, i) => (string[])[
                item.Attention, Text(times[i].Median, "F1"), Text(times[i].Min, "F1"), Text(times[i].CpuMedian, "F1"), Text(item.ForwardMedian, "F1"), Text(item.BackwardMedian, "F1"), Text(1000 * batch / times[i].Median, "F1"), Text(item.PeakBytes / 1e6, "F0"),
            ])]);
        foreach (TrainCase item in cases)
        {
            context.Output.WriteLine($"  {item.Attention}, longest in the backward pass: {string.Join(", ", item.Longest.Take(LongestOperations).Select(static entry => $"{entry.Operation} {Text(entry.Milliseconds, "F1")} ms"))}");
        }
    }

    private static string[] Words(string list, string option)
    {
        string[] words = list.Split(',', StringSplitOptions.TrimEntries);
        return words.Contains(string.Empty, StringComparer.Ordinal) ? throw new BadInputException($"{option} is \"{list}\"; values separated by single commas are expected.") : words;
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
