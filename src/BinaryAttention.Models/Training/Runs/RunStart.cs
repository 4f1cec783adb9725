// The folder of a run before its first step: made anew, or found to hold the same configuration. Nothing is written, moved or deleted before the folder is known to be free or the run's own.
using BinaryAttention.Models.Training.Checkpoints;
using BinaryAttention.Models.Training.Configuration;

namespace BinaryAttention.Models.Training.Runs;

internal static class RunStart
{
    /// <summary>Refuses a folder that cannot take the run; writes nothing.</summary>
    /// <exception cref="ArgumentException">The folder holds a run although none is to be continued, one of another configuration, or files that the run would replace.</exception>
    public static void Check(RunFolder folder, TrainingConfiguration configuration, bool resume)
    {
        if (!folder.Exists)
        {
            RequireFree(folder);
            return;
        }

        if (!resume)
        {
            throw new ArgumentException($"output {folder.Folder} holds a run already. Continue it with --resume, or choose another folder.", nameof(resume));
        }

        string text = ConfigurationFile.Text(Comparable(configuration)), stored = ConfigurationFile.Text(Comparable(ConfigurationFile.Read(folder.ConfigurationPath)));
        if (!string.Equals(text, stored, StringComparison.Ordinal))
        {
            (string now, string then) = text.Split('\n').Zip(stored.Split('\n')).First(static lines => !string.Equals(lines.First, lines.Second, StringComparison.Ordinal));
            throw new ArgumentException($"The run in {folder.Folder} was started with {then.Trim().TrimEnd(',')}, the configuration now says {now.Trim().TrimEnd(',')}. Continue with the same configuration, or choose another output.", nameof(configuration));
        }
    }

    /// <summary>Takes the folder for this process and makes it ready.</summary>
    /// <returns>What holds the folder; dispose it when the run has ended.</returns>
    /// <exception cref="ArgumentException">As <see cref="Check"/>.</exception>
    /// <exception cref="IOException">Another process trains in the folder.</exception>
    public static RunLock Prepare(RunFolder folder, TrainingConfiguration configuration, bool resume)
    {
        Check(folder, configuration, resume);
        Directory.CreateDirectory(folder.Folder);
        var taken = RunLock.Take(folder);
        try
        {
            // Once more: another process may have been in the folder until now.
            Check(folder, configuration, resume);
            string settings = Path.GetFileName(folder.ConfigurationPath);
            if (folder.Exists)
            {
                AtomicFile.RemoveLeftovers(folder.Folder, settings, Path.GetFileName(folder.ResultPath), Path.GetFileName(folder.InputsPath), string.Empty);
            }
            else
            {
                AtomicFile.RemoveLeftovers(folder.Folder, settings);
                AtomicFile.Write(folder.ConfigurationPath, ConfigurationFile.Text(configuration));
            }

            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    // Without a configuration these are somebody else's.
    private static void RequireFree(RunFolder folder)
    {
        foreach (string path in (string[])[folder.ModelPath, folder.LogPath, folder.ResultPath, folder.InputsPath, folder.CheckpointsFolder])
        {
            if (Path.Exists(path))
            {
                throw new ArgumentException($"output {folder.Folder} holds {Path.GetFileName(path)} but no config.json: it is no run, and {Path.GetFileName(path)} would be replaced. Choose another folder.", nameof(folder));
            }
        }
    }

    // Threads and lines of the log change no bit of the result.
    private static TrainingConfiguration Comparable(TrainingConfiguration configuration) => configuration with
    {
        Output = string.Empty,
        Threads = 0,
        LogSteps = 1,
        CheckpointSteps = 0,
        Data = configuration.Data with { Workers = 0 },
    };
}
