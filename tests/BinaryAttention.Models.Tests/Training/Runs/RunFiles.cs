using System.Text.Json;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Runs;

/// <summary>Two runs that must have come to the same bits.</summary>
internal static class RunFiles
{
    // Clock times and memory are those of a process, not of a run.
    private static readonly string[] OfTheProcess = ["imagesPerSecond", "peakMegabytes"];

    public static void AssertSame(string one, string other, bool compareLogs)
    {
        string[] names = Names(one);
        Assert.Equal(names, Names(other), StringComparer.Ordinal);
        Assert.Equal(4, names.Count(static name => name.StartsWith("checkpoints", StringComparison.Ordinal)));
        foreach (string name in names.Where(static name => Path.GetFileName(name) is not ("config.json" or "log.jsonl")))
        {
            Assert.True(File.ReadAllBytes(Path.Combine(one, name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(other, name))), $"{name} differs.");
        }

        if (compareLogs)
        {
            Assert.Equal(Log(one), Log(other), StringComparer.Ordinal);
        }
    }

    private static string[] Names(string folder) => [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path)).Order(StringComparer.Ordinal)];

    private static string[] Log(string folder) =>
    [
        .. File.ReadLines(Path.Combine(folder, "log.jsonl")).Select(static line => string.Join(' ', JsonDocument.Parse(line).RootElement.EnumerateObject()
            .Where(static member => !OfTheProcess.Contains(member.Name, StringComparer.Ordinal)).Select(static member => $"{member.Name}={member.Value.GetRawText()}"))),
    ];
}
