// The folder of a run before its first step: made anew, or found to hold the same configuration.
using BinaryAttention.Models.Training.Checkpoints;
using BinaryAttention.Models.Training.Configuration;

namespace BinaryAttention.Models.Training.Runs;

internal static class RunStart
{
    public static void Prepare(RunFolder folder, TrainingConfiguration configuration, bool resume)
    {
        // Threads and lines of the log change no bit of the result.
        TrainingConfiguration wanted = Comparable(configuration);
        if (!folder.Exists)
        {
            Directory.CreateDirectory(folder.Folder);
            AtomicFile.Write(folder.ConfigurationPath, ConfigurationFile.Text(configuration));
            return;
        }

        if (!resume)
        {
            throw new ArgumentException($"output {folder.Folder} holds a run already. Continue it with --resume, or choose another folder.", nameof(resume));
        }

        AtomicFile.RemoveLeftovers(folder.Folder);
        string text = ConfigurationFile.Text(wanted), stored = ConfigurationFile.Text(Comparable(ConfigurationFile.Read(folder.ConfigurationPath)));
        if (!string.Equals(text, stored, StringComparison.Ordinal))
        {
            (string now, string then) = text.Split('\n').Zip(stored.Split('\n')).First(static lines => !string.Equals(lines.First, lines.Second, StringComparison.Ordinal));
            throw new ArgumentException($"The run in {folder.Folder} was started with {then.Trim().TrimEnd(',')}, the configuration now says {now.Trim().TrimEnd(',')}. Continue with the same configuration, or choose another output.", nameof(configuration));
        }
    }

    private static TrainingConfiguration Comparable(TrainingConfiguration configuration) => configuration with
    {
        Output = string.Empty,
        Threads = 0,
        LogSteps = 1,
        CheckpointSteps = 0,
        Data = configuration.Data with { Workers = 0 },
    };
}
