// bench gpu: what is to be known about a GPU before anything is claimed about it, as one report: compiled kernels, correctness, times, and what was not measured.
using System.CommandLine;
using System.Globalization;
using BinaryAttention.Cli.Benchmarking.Gpu;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cuda;

namespace BinaryAttention.Cli.Commands;

internal static class BenchGpuCommand
{
    private const int Seed = 20260401;
    private const string FileName = "bench-gpu.jsonl";

    public static Command Create(CliContext context)
    {
        var lengths = new Option<string>("--lengths") { Description = "Sequence lengths to time, separated by commas.", HelpName = "a,b", DefaultValueFactory = _ => "1024,2048,4096,8192,16384,32768" };
        var dimensions = new Option<string>("--dimensions") { Description = "Head dimensions, separated by commas.", HelpName = "a,b", DefaultValueFactory = _ => "64,128" };
        Option<int> heads = CommonOptions.Positive("--heads", "Heads of the timed calls.", 32);
        Option<int> repeat = CommonOptions.Positive("--repeat", "Timed replays of each piece of work; the median is reported.", 20);
        Option<int> checkLength = CommonOptions.Positive("--check-length", "Longest sequence that is compared with the CPU.", 1025);
        Option<int> budget = CommonOptions.Positive("--budget", "Seconds after which no further timing starts; the rest is reported as not measured.", 300);
        var save = new Option<string?>("--save") { Description = $"Also write the report as FOLDER/<gpu>/{FileName}; an older one is replaced.", HelpName = "FOLDER" };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("gpu", "Check and time one-bit attention on an NVIDIA GPU.") { lengths, dimensions, heads, repeat, checkLength, budget, save, json };
        command.SetAction(parsed => Run(
            context,
            new GpuBenchmarkRequest
            {
                Lengths = Numbers("--lengths", parsed.GetValue(lengths)!),
                Dimensions = Numbers("--dimensions", parsed.GetValue(dimensions)!),
                HeadCount = parsed.GetValue(heads),
                Repeat = parsed.GetValue(repeat),
                CheckLength = parsed.GetValue(checkLength),
                BudgetSeconds = parsed.GetValue(budget),
                Seed = Seed,
            },
            parsed.GetValue(save) is { } folder ? InputPaths.Folder(folder, "--save") : null,
            parsed.GetValue(json),
            $"binattn {string.Join(' ', parsed.Tokens.Select(token => token.Value))}"));
        ExampleHelpAction.Attach(command, """
            First every kernel is compiled (registers, spills, milliseconds cold and cached) and single instructions are timed in loops, then the device's output
            is compared with the CPU's bit for bit over a grid of shapes and masks, then the timings run, unless a result was wrong (exit code 1). attention is
            the kernel alone over packed operands, packing the signs, magnitudes and 8-bit values, total both of them; all three by device events, bfloat16 in and
            out. host call is a call over host memory with its copies. What was not measured has a line of its own with the reason.

            Examples:
              binattn bench gpu
              binattn bench gpu --json > report.jsonl
              binattn bench gpu --lengths 4096 --dimensions 128 --heads 8
              binattn bench gpu --save benchmarks/results
            """);
        return command;
    }

    private static int Run(CliContext context, GpuBenchmarkRequest request, string? folder, bool json, string command)
    {
        CudaDevice device = DeviceChoice.Gpu(context, "bench gpu", "'binattn doctor' lists the GPUs; 'binattn bench attention' times the CPU.");
        string? path = folder is null ? null : Place(folder, device);
        List<GpuRow> rows = [];
        using var saved = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        foreach (GpuRow row in GpuBenchmark.Run(context, device, request, command))
        {
            // Every line as soon as it is known: a report that is cut off is still one.
            rows.Add(row);
            JsonLine.Write(saved, row.Write);
            if (json)
            {
                JsonLine.Write(context.Output, row.Write);
            }
        }

        if (path is not null)
        {
            OutputFile.Write(path, saved.ToString(), replace: true);
        }

        if (!json)
        {
            Report(context, device, rows);
        }

        bool isRight = rows.All(row => row.Kind switch { "kernel" => row.Text("isAccepted") == "yes", "correctness" => row.Text("isEqual") == "yes", _ => true });
        return isRight ? ExitCodes.Success : ExitCodes.Failure;
    }

    private static void Report(CliContext context, CudaDevice device, List<GpuRow> rows)
    {
        Table(context, rows, "kernel", "kernels", ["variant", "step", "isAccepted", ">registers", ">localBytes", ">sharedBytes", ">blocksPerMultiprocessor", ">coldMilliseconds", ">cachedMilliseconds"]);
        Table(context, rows, "instruction", "clocks of single instructions, a multiprocessor", ["name", ">clocksPerStep", ">operationsPerClock", ">latencyClocks", "question"]);
        GpuRow[] compared = [.. rows.Where(row => row.Kind == "correctness")];
        GpuRow[] wrong = [.. compared.Where(row => row.Text("isEqual") != "yes")];
        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{device}: {compared.Length - wrong.Length} of {compared.Length} calls equal the CPU's bits"));
        Table(context, [.. wrong], "correctness", "differences from the CPU", ["headDimension", "valueDimension", "queryLength", "keyLength", "keyHeadCount", "mask", "inputType", "weighting", ">differences", "problem"]);
        Table(context, rows, "timing", "milliseconds, median", [">length", ">headDimension", "isCausal", ">attentionMilliseconds", ">packingMilliseconds", ">totalMilliseconds", ">hostCallMilliseconds"]);
        foreach (GpuRow row in rows.Where(row => row.Kind == "not-measured"))
        {
            context.Output.WriteLine($"not measured: {row.Text("what")}: {row.Text("why")}");
        }
    }

    private static void Table(CliContext context, List<GpuRow> rows, string kind, string title, string[] columns)
    {
        string[][] cells = [.. rows.Where(row => row.Kind == kind).Select(row => columns.Select(column => row.Text(column.TrimStart('>'))).ToArray())];
        if (cells.Length > 0)
        {
            NumberTable.Write(Terminal.ForOutput(context), title, columns, cells);
        }
    }

    /// <summary>The report's path, with the folder of the GPU made.</summary>
    private static string Place(string folder, CudaDevice device)
    {
        string slug = string.Concat(device.Name.ToLowerInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-'));
        string path = Path.Combine(folder, slug);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException($"--save \"{path}\" cannot be made: {problem.Message} Check the folder's permissions.");
        }

        OutputFile.Probe(Path.Combine(path, FileName));
        return Path.Combine(path, FileName);
    }

    private static int[] Numbers(string option, string list) =>
        [.. list.Split(',', StringSplitOptions.TrimEntries).Select(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value is >= 1 and <= 1 << 20
            ? value
            : throw new BadInputException($"{option} is \"{list}\"; whole numbers from 1 to {1 << 20} separated by single commas are expected.")).Distinct()];
}
