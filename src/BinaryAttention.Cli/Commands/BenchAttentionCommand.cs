// bench attention: times the phases of every kernel on seeded random operands and checks the timed output against double precision.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Cli.Benchmarking;
using BinaryAttention.Cli.Console;

namespace BinaryAttention.Cli.Commands;

internal static class BenchAttentionCommand
{
    private const int Seed = 20260401;

    public static Command Create(CliContext context)
    {
        var shape = new Option<string>("--shape") { Description = "Batch size, heads, tokens and head dimension, such as 1x3x197x64; several separated by commas.", Required = true, HelpName = "BxHxNxD" };
        Option<int?> keyLength = OptionalPositive("--key-length", "Number of keys; the number of tokens if left out.");
        Option<int?> valueDimension = OptionalPositive("--value-dimension", "Channels of the values; the head dimension if left out.");
        var kernels = new Option<string?>("--kernels") { Description = "Kernels to time, separated by commas; all usable ones but the reference if left out.", HelpName = "a,b" };
        Option<string> operation = CommonOptions.Choice("--operation", "What to time; both is binary and exact.", "both", "both", "all", "binary", "eight-bit", "exact");
        Option<string> weighting = CommonOptions.Choice("--weighting", "Weights of the sign dot products.", "per-head", "per-head", "per-token", "per-token-query", BenchmarkWeighting.LearnedName, "none");
        Option<string> bias = CommonOptions.Choice("--bias", "A bias on the logits; relative needs s*s or s*s+1 tokens.", "none", "none", "relative", "dense", "key");
        Option<string> quantization = CommonOptions.Choice("--quantization", "How binary and 8-bit attention hold probabilities and values.", "tiled", "tiled", "training-parity", "full");
        Option<int> threads = CommonOptions.Positive("--threads", "Threads a run may use.", 1);
        Option<int> repeat = CommonOptions.Positive("--repeat", "Timed runs of each kernel; the median is reported.", 15);
        Option<string> device = CommonOptions.Choice("--device", "Where to time; cuda times one-bit attention alone, by the GPU's clock.", DeviceChoice.CpuName, DeviceChoice.CpuName, DeviceChoice.CudaName);
        Option<bool> json = CommonOptions.Json();
        var command = new Command("attention", "Time exact and one-bit attention kernels against one another.")
        {
            shape, keyLength, valueDimension, kernels, operation, weighting, bias, quantization, threads, repeat, device, json,
        };
        command.SetAction(parsed =>
        {
            AttentionShape[] shapes = [.. parsed.GetRequiredValue(shape).Split(',').Select(text => Shape(text, parsed.GetValue(keyLength), parsed.GetValue(valueDimension)))];
            string chosen = parsed.GetValue(operation)!;
            var request = new BenchmarkRequest
            {
                Shape = shapes[0],
                Kernels = Names(parsed.GetValue(kernels)),
                RunsBinary = chosen is "both" or "all" or "binary",
                RunsExact = chosen is "both" or "all" or "exact",
                RunsEightBit = chosen is "all" or "eight-bit",
                Weighting = parsed.GetValue(weighting)!,
                Bias = parsed.GetValue(bias)!,
                Quantization = parsed.GetValue(quantization)!,
                Threads = parsed.GetValue(threads),
                Repeat = parsed.GetValue(repeat),
                Seed = Seed,
            };
            bool onCpu = parsed.GetValue(device) == DeviceChoice.CpuName;
            int exitCode = ExitCodes.Success;
            foreach (AttentionShape each in shapes)
            {
                BenchmarkRequest one = request with { Shape = each };
                exitCode = Math.Max(exitCode, onCpu ? Run(context, parsed.GetValue(json), one) : BenchShapeOnGpu.Run(context, parsed.GetValue(json), one));
            }

            return exitCode;
        });
        ExampleHelpAction.Attach(command, """
            Milliseconds are those of attention with its tables and epilogue; packing (bits, magnitudes, value quantisation) is timed apart and redone in every run.
            Errors compare at least 64 random rows of the timed output with double precision: for exact and 8-bit attention with exact attention, for binary attention
            with the softmax of the binary logits and unquantised values. Cycles use a clock measured in the same run and count every thread.

            Examples:
              binattn bench attention --shape 1x3x197x64
              binattn bench attention --shape 1x6x4096x64 --operation binary --quantization full --json
              binattn bench attention --shape 1x1x1024x64,1x1x4096x64,1x1x16384x64 --weighting learned
              binattn bench attention --shape 1x3x1024x64 --operation all
              binattn bench attention --shape 1x12x197x64 --bias relative --threads 2 --kernels simd,reference
              binattn bench attention --shape 1x32x4096x128 --device cuda
            """);
        return command;
    }

    private static int Run(CliContext context, bool json, BenchmarkRequest request)
    {
        int runs = AttentionBenchmark.CountRuns(request, context);
        IReadOnlyList<BenchmarkResult> results = AttentionBenchmark.Run(request, context, work => ProgressReport.Run(context, "timing", runs, work));
        if (json)
        {
            string date = context.Time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            string cpu = ProcessorName.Read();
            foreach (BenchmarkResult result in results)
            {
                JsonLine.Write(context.Output, writer => Write(writer, request, result, date, cpu));
            }

            return ExitCodes.Success;
        }

        AttentionShape shape = request.Shape;
        NumberTable.Write(
            Terminal.ForOutput(context),
            string.Create(CultureInfo.InvariantCulture, $"{shape.BatchSize} x {shape.HeadCount} heads x {shape.QueryLength} queries x {shape.KeyLength} keys x {shape.HeadDimension}, {request.Threads} {(request.Threads == 1 ? "thread" : "threads")}, {results[0].ClockGigahertz:F2} GHz"),
            ["operation", "kernel", ">median ms", ">min ms", ">packing ms", ">cycles/pair", ">cosine", ">relative error", ">allocated bytes"],
            [.. results.Select(result => (string[])[
                result.Operation, result.Kernel, Text(result.MedianMilliseconds, "F4"), Text(result.MinMilliseconds, "F4"), Text(result.PackingMilliseconds, "F4"), Text(result.CyclesPerPair, "F3"),
                Text(result.CosineSimilarity, "F6"), Text(result.RelativeError, "E2"), result.AllocatedBytes.ToString("N0", CultureInfo.InvariantCulture),
            ])]);
        return ExitCodes.Success;
    }

    private static void Write(Utf8JsonWriter writer, BenchmarkRequest request, BenchmarkResult result, string date, string cpu)
    {
        AttentionShape shape = request.Shape;
        bool isBinary = string.Equals(result.Operation, "binary", StringComparison.Ordinal);
        writer.WriteString("operation", result.Operation);
        writer.WriteString("kernel", result.Kernel);
        writer.WriteNumber("batchSize", shape.BatchSize);
        writer.WriteNumber("headCount", shape.HeadCount);
        writer.WriteNumber("queryLength", shape.QueryLength);
        writer.WriteNumber("keyLength", shape.KeyLength);
        writer.WriteNumber("headDimension", shape.HeadDimension);
        writer.WriteNumber("valueDimension", shape.ValueDimension);
        writer.WriteNumber("threads", request.Threads);
        writer.Number("medianMilliseconds", result.MedianMilliseconds);
        writer.Number("minMilliseconds", result.MinMilliseconds);
        writer.Number("packingMilliseconds", result.PackingMilliseconds);
        writer.Number("cyclesPerPair", result.CyclesPerPair);
        writer.Number("cosineSimilarity", result.CosineSimilarity);
        writer.Number("relativeError", result.RelativeError);
        writer.WriteNumber("allocatedBytes", result.AllocatedBytes);
        writer.Number("clockGigahertz", result.ClockGigahertz, 4);
        writer.WriteString("weighting", isBinary ? request.Weighting : null);
        writer.WriteString("bias", request.Bias);
        writer.WriteString("quantization", result.Operation is "exact" ? null : request.Quantization);
        writer.WriteNumber("repeat", request.Repeat);
        writer.WriteString("date", date);
        writer.WriteString("cpu", cpu);
    }

    private static AttentionShape Shape(string text, int? keyLength, int? valueDimension)
    {
        string[] parts = text.Split('x');
        var sizes = new int[4];
        for (int i = 0; i < 4; i++)
        {
            if (parts.Length != 4 || !int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out sizes[i]) || sizes[i] < 1)
            {
                throw new BadInputException($"--shape is \"{text}\"; four whole numbers of at least 1 are expected, batch size x heads x tokens x head dimension, such as 1x3x197x64.");
            }
        }

        var shape = new AttentionShape(sizes[0], sizes[1], sizes[2], keyLength ?? sizes[2], sizes[3], valueDimension ?? sizes[3]);
        Int128 values = (Int128)shape.BatchSize * shape.HeadCount * Math.Max(shape.QueryLength, shape.KeyLength) * Math.Max(shape.HeadDimension, shape.ValueDimension);
        return values <= Array.MaxLength
            ? shape
            : throw new BadInputException($"--shape {text} makes a tensor {values} values long; at most {Array.MaxLength} fit. Give a smaller shape.");
    }

    private static string[] Names(string? list)
    {
        string[] names = list?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        return names.Contains(string.Empty, StringComparer.Ordinal)
            ? throw new BadInputException($"--kernels is \"{list}\"; names separated by single commas are expected, such as simd,reference.")
            : [.. names.Distinct(StringComparer.Ordinal)];
    }

    private static Option<int?> OptionalPositive(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description };
        option.CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1)
            {
                return value;
            }

            result.AddError($"{name} is \"{result.Tokens[0].Value}\"; a whole number of at least 1 is expected.");
            return null;
        };
        return option;
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
