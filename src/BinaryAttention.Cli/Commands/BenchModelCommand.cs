// bench model: times whole forward passes of a vision transformer, with the share of attention.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Cli.Benchmarking;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Commands;

internal static class BenchModelCommand
{
    private const int Seed = 20260402;

    public static Command Create(CliContext context)
    {
        var model = new Option<string>("--model") { Description = "A ViT or DeiT checkpoint, or random weights: deit-tiny, deit-small, deit-base.", DefaultValueFactory = _ => "deit-tiny", HelpName = "FILE|NAME" };
        Option<string> image = List("--image", "Sides of the square images in pixels, separated by commas.", "224");
        Option<string> attention = List("--attention", "Kinds of attention, separated by commas: exact, eight-bit, naive-binary.", "exact,naive-binary");
        Option<string> linear = List("--linear", "Precisions of the linear layers, separated by commas: fp32, int8.", "fp32,int8");
        Option<string> quantization = CommonOptions.Choice("--quantization", "How naive-binary holds probabilities and values.", "tiled", "full", "tiled", "training-parity");
        Option<int> batch = CommonOptions.Positive("--batch", "Images of one call.", 1);
        Option<int> threads = CommonOptions.Positive("--threads", "Threads a call may use.", 1);
        Option<int> repeat = CommonOptions.Positive("--repeat", "Timed passes of each case; the median is reported.", 15);
        Option<bool> json = CommonOptions.Json();
        var command = new Command("model", "Time whole vision transformers.") { model, image, attention, linear, quantization, batch, threads, repeat, json };
        command.SetAction(parsed =>
        {
            int[] sizes = [.. Words(parsed.GetValue(image)!, "--image").Select(ParseSize)];
            AttentionMode[] modes = [.. Words(parsed.GetValue(attention)!, "--attention").Select(AttentionModes.Parse)];
            LinearPrecision[] precisions = [.. Words(parsed.GetValue(linear)!, "--linear").Select(LinearPrecisions.Parse)];
            string name = parsed.GetValue(model)!;
            ValueQuantization held = CommonOptions.Quantization(parsed.GetValue(quantization)!);
            int batchSize = parsed.GetValue(batch), threadCount = parsed.GetValue(threads);
            VisionTransformer loaded = Load(name);
            foreach (int size in sizes)
            {
                ModelCase[] cases = [.. modes.SelectMany(mode => precisions.Select(precision => Case(loaded, size, mode, held, precision, batchSize, threadCount)))];
                Measure(context, name, cases, batchSize, threadCount, parsed.GetValue(repeat), parsed.GetValue(quantization)!, parsed.GetValue(json));
            }

            return ExitCodes.Success;
        });
        ExampleHelpAction.Attach(command, """
            Milliseconds are those of one call from pixels to logits; cases of one image size take turns. Processor milliseconds add up all threads and leave out other processes. Shares are parts of the time of the stages: attention with its packing, and
            the patch embedding; the rest is linear layers, norms and activations. deit-tiny, deit-small and deit-base have random weights of those sizes, for timing alone. Images
            are random numbers; a size that differs from the checkpoint's resizes the position embedding.

            Examples:
              binattn bench model --model samples/models/deit_tiny_patch16_224.f16.safetensors
              binattn bench model --model deit-small --image 224,384,512,1024 --attention naive-binary --linear int8 --json
              binattn bench model --model deit-tiny --batch 8 --threads 2
            """);
        return command;
    }

    private static VisionTransformer Load(string name)
    {
        VisionTransformerConfiguration? preset = name switch
        {
            "deit-tiny" => VisionTransformerConfiguration.DeitTiny224,
            "deit-small" => VisionTransformerConfiguration.DeitSmall224,
            "deit-base" => VisionTransformerConfiguration.DeitBase224,
            _ => null,
        };
        return preset is null
            ? VisionTransformer.Load(InputPaths.File(name, "--model"))
            : VisionTransformer.Load(new RandomWeights(preset, Seed), preset);
    }

    private static ModelCase Case(VisionTransformer loaded, int size, AttentionMode mode, ValueQuantization quantization, LinearPrecision precision, int batch, int threads)
    {
        try
        {
            return new ModelCase(loaded, size, mode, quantization, precision, batch, threads, Seed + 1);
        }
        catch (Exception problem) when (problem is ArgumentException or NotSupportedException)
        {
            throw new BadInputException($"--image {size}: {problem.Message}");
        }
    }

    private static void Measure(CliContext context, string model, ModelCase[] cases, int batch, int threads, int repeat, string quantization, bool json)
    {
        RunTimes[] times = [];
        ProgressReport.Run(context, "timing", repeat * cases.Length, advance =>
            times = RunTimes.Measure([.. cases.Select(item => (Action)item.Run)], repeat, advance, context.Cancellation, i => cases[i].StartCounting()));
        if (json)
        {
            string date = context.Time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            string cpu = ProcessorName.Read();
            for (int i = 0; i < cases.Length; i++)
            {
                (ModelCase item, RunTimes measured) = (cases[i], times[i]);
                JsonLine.Write(context.Output, writer =>
                {
                    writer.WriteString("model", Path.GetFileName(model));
                    writer.WriteNumber("imageSize", item.ImageSize);
                    writer.WriteNumber("tokens", item.TokenCount);
                    writer.WriteString("attention", AttentionModes.NameOf(item.Attention));
                    writer.WriteString("quantization", item.Attention == AttentionMode.Exact ? null : quantization);
                    writer.WriteString("linear", LinearPrecisions.NameOf(item.Linear));
                    writer.WriteNumber("batch", batch);
                    writer.WriteNumber("threads", threads);
                    writer.Number("medianMilliseconds", measured.Median, 4);
                    writer.Number("minMilliseconds", measured.Min, 4);
                    writer.Number("cpuMilliseconds", measured.CpuMedian, 4);
                    writer.Number("attentionShare", item.AttentionShare, 4);
                    writer.Number("embeddingShare", item.EmbeddingShare, 4);
                    writer.WriteNumber("allocatedBytes", item.AllocatedBytes);
                    writer.WriteNumber("repeat", repeat);
                    writer.WriteString("date", date);
                    writer.WriteString("cpu", cpu);
                });
            }

            return;
        }

        NumberTable.Write(
            Terminal.ForOutput(context),
            string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(model)}, {cases[0].ImageSize} x {cases[0].ImageSize}, {cases[0].TokenCount} tokens, batch {batch}, {threads} {(threads == 1 ? "thread" : "threads")}"),
            ["attention", "linear", ">median ms", ">min ms", ">processor ms", ">attention %", ">patches %", ">allocated bytes"],
            [.. cases.Select((item, i) => (string[])[
                AttentionModes.NameOf(item.Attention), LinearPrecisions.NameOf(item.Linear), Text(times[i].Median, "F3"), Text(times[i].Min, "F3"), Text(times[i].CpuMedian, "F3"),
                Text(100 * item.AttentionShare, "F1"), Text(100 * item.EmbeddingShare, "F1"), item.AllocatedBytes.ToString("N0", CultureInfo.InvariantCulture),
            ])]);
    }

    private static Option<string> List(string name, string description, string defaultValue) => new(name) { Description = description, DefaultValueFactory = _ => defaultValue, HelpName = "a,b" };

    private static string[] Words(string list, string option)
    {
        string[] words = list.Split(',', StringSplitOptions.TrimEntries);
        return words.Contains(string.Empty, StringComparer.Ordinal)
            ? throw new BadInputException($"{option} is \"{list}\"; values separated by single commas are expected.")
            : [.. words.Distinct(StringComparer.Ordinal)];
    }

    private static int ParseSize(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size >= 1
        ? size
        : throw new BadInputException($"--image names \"{text}\"; a whole number of pixels of at least 1 is expected.");

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
