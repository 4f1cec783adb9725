// report: a training run as a page, or several as a table of means.
using System.CommandLine;
using BinaryAttention.Cli.Console;
using BinaryAttention.Formats;
using BinaryAttention.Models.Reports;
using BinaryAttention.Models.Training.Runs;

namespace BinaryAttention.Cli.Commands;

internal static class ReportCommand
{
    private const int DefaultPictures = 6;

    public static Command Create(CliContext context)
    {
        var run = new Argument<string?>("run") { Description = "The folder of a run.", HelpName = "RUN", Arity = ArgumentArity.ZeroOrOne };
        var compare = new Option<string[]>("--compare") { Description = "Folders of runs, or of folders seed-N with runs that differ by their seeds; the first is what the others are compared with.", HelpName = "DIR...", AllowMultipleArgumentsPerToken = true };
        var output = new Option<string?>("--output", "-o") { Description = "The file to write; RUN/report.html for a run, standard output for a comparison if left out.", HelpName = "FILE" };
        Option<int> pictures = CommonOptions.Positive("--pictures", "Pictures whose attention is shown.", DefaultPictures);
        var force = new Option<bool>("--force") { Description = "Replace the output if it exists." };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("report", "Show training runs: one as an HTML page, several as a table.") { run, compare, output, pictures, force, json };
        command.SetAction(parsed =>
        {
            string? folder = parsed.GetValue(run);
            string[] groups = parsed.GetValue(compare) ?? [];
            if ((folder is null) == (groups.Length == 0))
            {
                throw new BadInputException("the folder of a run, or --compare with folders of runs, is expected. See 'binattn report --help'.");
            }

            if (folder is null)
            {
                Compare(context, groups, parsed.GetValue(output), parsed.GetValue(force), parsed.GetValue(json));
            }
            else
            {
                // A run's own page is made again and again while it goes on.
                string? asked = parsed.GetValue(output);
                Page(context, InputPaths.Folder(folder, "RUN"), asked is null ? null : OutputPaths.File(asked, output.Name, parsed.GetValue(force)), parsed.GetValue(pictures), parsed.GetValue(json));
            }

            return ExitCodes.Success;
        });
        ExampleHelpAction.Attach(command, """
            The page holds curves of loss and accuracy, the confusion matrix of the test pictures, and the class token's attention in some pictures. It is one file that
            needs nothing else. A comparison is a Markdown table: means over seeds with 95 % confidence intervals (Student), and differences from the first group, seed by
            seed. Runs that have not ended are left out of it.

            Examples:
              binattn report artifacts/train-mnist
              binattn report artifacts/train-mnist -o report.html --pictures 12
              binattn report --compare runs/exact runs/binary runs/binary-tiled
              binattn report --compare runs/exact runs/binary --json
            """);
        return command;
    }

    private static void Page(CliContext context, string folder, string? output, int count, bool asJson)
    {
        var run = new RunReader(folder);
        string path = output ?? Path.Combine(folder, "report.html");
        IReadOnlyList<TrainingPicture> pictures = File.Exists(run.Folder.ModelPath) ? Pictures(context, run, count) : [];
        OutputFile.Write(path, TrainingPage.Create(run, pictures), replace: true);
        if (asJson)
        {
            JsonLine.Write(context.Output, writer =>
            {
                writer.WriteString("report", path);
                writer.WriteNumber("epochs", run.Epochs.Count);
                writer.WriteBoolean("isFinished", run.Result is not null);
                writer.Number("testAccuracy", run.Result?.Test?.Accuracy ?? double.NaN);
            });
        }
        else
        {
            context.Output.WriteLine(path);
        }
    }

    // Curves and accuracies stand in the run's own folder; its pictures may have been moved since.
    private static IReadOnlyList<TrainingPicture> Pictures(CliContext context, RunReader run, int count)
    {
        try
        {
            return TrainingPictures.Take(run, count, context.Cancellation);
        }
        catch (Exception problem) when (problem is IOException or FileFormatException or ArgumentException or UnauthorizedAccessException)
        {
            context.Warn($"the report has no pictures: {problem.Message}");
            return [];
        }
    }

    private static void Compare(CliContext context, string[] folders, string? output, bool force, bool asJson)
    {
        string? path = output is null ? null : OutputPaths.File(output, "--output", force);
        RunGroup[] groups = [.. folders.Select(folder => RunGroup.Read(InputPaths.Folder(folder, "--compare"), context.Warn))];
        if (asJson)
        {
            using var lines = new StringWriter();
            foreach (RunGroup group in groups)
            {
                SampleMean test = SampleMean.Of([.. group.TestAccuracies.Values]), difference = RunComparison.Difference(group, groups[0]);
                JsonLine.Write(lines, writer =>
                {
                    writer.WriteString("runs", group.Name);
                    writer.WriteNumber("seeds", group.TestAccuracies.Count);
                    writer.Number("testAccuracy", test.Mean, 6);
                    writer.Number("testHalfWidth", test.HalfWidth, 6);
                    writer.Number("difference", difference.Mean, 6);
                    writer.Number("differenceHalfWidth", difference.HalfWidth, 6);
                });
            }

            Write(lines.ToString());
            return;
        }

        Write(RunComparison.Markdown(groups));

        void Write(string text)
        {
            if (path is null)
            {
                context.Output.Write(text);
            }
            else
            {
                OutputFile.Write(path, text, force);
            }
        }
    }
}
