// bench page: the paired runs of a results folder as one HTML page, and its charts as SVG files.
using System.CommandLine;
using BinaryAttention.Cli.Benchmarking.Results;
using BinaryAttention.Cli.Console;
using BinaryAttention.Models.Reports;

namespace BinaryAttention.Cli.Commands;

internal static class BenchPageCommand
{
    private const string PageName = "index.html";

    public static Command Create(CliContext context)
    {
        var folder = new Argument<string>("folder") { Description = "A folder with JSON files of paired runs (benchmarks/peers writes them)." };
        var output = new Option<string?>("--output", "-o") { Description = "Folder for the page and its charts; the results folder if left out.", HelpName = "FOLDER" };
        Option<bool> force = new("--force") { Description = "Replace a page and charts that are there." };
        var command = new Command("page", "Show the paired runs of a results folder as a page with charts.") { folder, output, force };
        command.SetAction(parsed =>
        {
            string from = InputPaths.Folder(parsed.GetRequiredValue(folder), "folder");
            string to = parsed.GetValue(output) is { } given ? InputPaths.Folder(given, output.Name) : from;
            return Run(context, from, to, parsed.GetValue(force));
        });
        ExampleHelpAction.Attach(command, """
            Writes index.html, which needs no other file, and one SVG file for each chart. Where a case was measured more than once, the latest run counts.

            Examples:
              binattn bench page benchmarks/results/amd-epyc-zen5 --force
              binattn bench page benchmarks/results/amd-epyc-zen5 -o charts
            """);
        return command;
    }

    private static int Run(CliContext context, string from, string to, bool force)
    {
        ResultFolder results = ResultFolder.Read(from);
        if (results.Attention.Count + results.Models.Count == 0)
        {
            throw new BadInputException($"\"{from}\" holds no paired runs. 'benchmarks/peers/README.md' says how to make some.");
        }

        (string Path, string Text)[] files =
        [
            (Path.Combine(to, PageName), ResultsPage.Create(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(from))), results)),
            .. ResultsCharts.Of(results).Select(chart => (Path.Combine(to, $"{chart.FileName}.svg"), LineChart.Document(chart.Title, chart.Horizontal, chart.Vertical, chart.Series))),
        ];
        foreach ((string path, _) in files)
        {
            OutputPaths.File(path, "--output", force);
        }

        foreach ((string path, string text) in files)
        {
            OutputFile.Write(path, text, force);
        }

        context.Output.WriteLine($"{files[0].Path}: {results.Attention.Count} attention shapes, {results.Models.Count} model sizes, {files.Length - 1} charts");
        return ExitCodes.Success;
    }
}
