namespace BinaryAttention.Models.Training.Runs;

/// <summary>Finished runs of one configuration that differ by their seeds.</summary>
/// <param name="Name">What the group is called in tables.</param>
/// <param name="TestAccuracies">Test accuracy by seed, 0..1.</param>
/// <param name="SelectAccuracies">Accuracy on the pictures to select by, likewise.</param>
internal sealed record RunGroup(string Name, IReadOnlyDictionary<long, double> TestAccuracies, IReadOnlyDictionary<long, double> SelectAccuracies)
{
    /// <summary>Reads a run's folder, or every run below a folder. Runs that have not ended or were not tested are left out and named.</summary>
    public static RunGroup Read(string folder, Action<string> warn)
    {
        string[] runs = File.Exists(new RunFolder(folder).ConfigurationPath)
            ? [folder]
            : [.. Directory.EnumerateDirectories(folder).Where(static path => new RunFolder(path).Exists).Order(StringComparer.Ordinal)];
        var test = new SortedDictionary<long, double>();
        var select = new SortedDictionary<long, double>();
        foreach (string path in runs)
        {
            var run = new RunReader(path);
            if (run.Result?.Test is not { } measured)
            {
                warn($"{path} has not ended or was not tested; it is left out.");
            }
            else if (!test.TryAdd(run.Configuration.Seed, measured.Accuracy))
            {
                warn($"{path} has the seed {run.Configuration.Seed} of another run in {folder}; it is left out.");
            }
            else
            {
                select.Add(run.Configuration.Seed, run.Result.SelectAccuracy < 0 ? double.NaN : run.Result.SelectAccuracy);
            }
        }

        return new RunGroup(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), test, select);
    }
}
