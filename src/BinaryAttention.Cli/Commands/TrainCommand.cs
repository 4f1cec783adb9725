// train: a training run, or the same for several seeds, from a JSON configuration; continued with --resume.
using System.CommandLine;
using System.Globalization;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Training;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Runs;

namespace BinaryAttention.Cli.Commands;

internal static class TrainCommand
{
    public static Command Create(CliContext context)
    {
        var config = new Option<string>("--config", "-c") { Description = "The configuration, JSON with comments.", Required = true, HelpName = "FILE" };
        var set = new Option<string[]>("--set") { Description = "Change a member of the configuration; may be given several times.", HelpName = "MEMBER=VALUE", AllowMultipleArgumentsPerToken = true };
        var output = new Option<string?>("--output", "-o") { Description = "The run's folder, in place of the configuration's; relative to the current directory.", HelpName = "DIR" };
        var seeds = new Option<string?>("--seeds") { Description = "One run for each seed, in folders seed-N of the output.", HelpName = "1,2,3" };
        var resume = new Option<bool>("--resume") { Description = "Continue the run that the output holds; starts it where there is none, does nothing where it is finished." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Check everything, compute one step, say what the run would be and need, write nothing." };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("train", "Train a vision transformer with exact or one-bit attention.") { config, set, output, seeds, resume, dryRun, json };
        command.SetAction(parsed =>
        {
            string path = InputPaths.File(parsed.GetRequiredValue(config), "--config");
            var changes = new List<string>(parsed.GetValue(set) ?? []);
            if (parsed.GetValue(output) is { } folder)
            {
                changes.Add("output=" + System.Text.Json.JsonSerializer.Serialize(Path.GetFullPath(folder), TrainingText.Default.String));
            }

            TrainingConfiguration configuration = ConfigurationFile.Read(path, changes);
            TrainingConfiguration[] runs = parsed.GetValue(seeds) is { } list
                ? [.. Seeds(list).Select(seed => configuration with { Seed = seed, Output = Path.Combine(configuration.Output, string.Create(CultureInfo.InvariantCulture, $"seed-{seed}")) })]
                : [configuration];
            foreach (TrainingConfiguration run in runs)
            {
                // All folders before the first run: a refusal of the last one should not come hours later.
                RunStart.Check(new RunFolder(run.Output), run, parsed.GetValue(resume));
            }

            foreach (TrainingConfiguration run in runs)
            {
                var session = new TrainingSession(context, run, parsed.GetValue(json));
                if (parsed.GetValue(dryRun))
                {
                    session.Describe();
                }
                else
                {
                    session.Run(parsed.GetValue(resume));
                }
            }

            return ExitCodes.Success;
        });
        ExampleHelpAction.Attach(command, """
            The run's folder receives config.json, log.jsonl (one line every few steps and every epoch), checkpoints/, model.safetensors (the best weights, an ordinary
            checkpoint for evaluate and classify) and result.json. Paths in the configuration are relative to its own folder. Interrupted with Ctrl-C or killed, a run
            continues with --resume to the same weights, bit for bit, as if nothing had happened. The test pictures are measured once, at the end.

            Examples:
              binattn train --config samples/03-train-mnist/config.json
              binattn train --config samples/03-train-mnist/config.json --resume
              binattn train --config samples/03-train-mnist/config.json --dry-run --json
              binattn train --config config.json --set optimizer.learningRate=5e-4 --set attention.quantization=tiled -o runs/tiled
              binattn train --config config.json --seeds 1,2,3 -o runs/three
            """);
        return command;
    }

    private static long[] Seeds(string list)
    {
        string[] parts = list.Split(',');
        var seeds = new long[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!long.TryParse(parts[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out seeds[i]))
            {
                throw new BadInputException($"--seeds is \"{list}\"; whole numbers separated by commas are expected, such as 1,2,3.");
            }
        }

        return seeds.Distinct().Count() == seeds.Length ? seeds : throw new BadInputException($"--seeds is \"{list}\"; every seed must be there once.");
    }
}
