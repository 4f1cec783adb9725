// Habits of the repository that no compiler checks.
using TestKit;
using Xunit;

namespace BinaryAttention.Cli.Tests.Repository;

public sealed class RepositoryTests
{
    private const int MaxLines = 600;
    // Two DeiT-Tiny checkpoints of 11 and 13 MB (as trained, and calibrated) are most of it; a clone takes seconds.
    private const long MaxTrackedBytes = 60_000_000;

    // Joined, so that this file does not hold the words it looks for.
    private static readonly string[] MachinePaths = ["/" + "work/", "/home" + "/", "/" + "root/", "C:" + "\\Users"];

    // What builds and package managers put beside the sources.
    private static readonly string[] NotOurs = ["obj", "bin", "node_modules"];

    private static readonly string[] TextExtensions = [".cs", ".csproj", ".props", ".targets", ".md", ".json", ".config", ".slnx", ".txt", ".yml", ".cmd", ".sh"];

    [Fact]
    public void SourceFiles_StayShort()
    {
        string[] tooLong = [.. Files().Where(path => path.EndsWith(".cs", StringComparison.Ordinal)).Select(path => (path, lines: File.ReadLines(path).Count())).Where(file => file.lines > MaxLines).Select(file => $"{file.path}: {file.lines} lines")];
        Assert.True(tooLong.Length == 0, $"Files of more than {MaxLines} lines; split them: {string.Join(", ", tooLong)}");
    }

    [Fact]
    public void NoFile_NamesAPathOfOneMachine()
    {
        string[] found =
        [
            .. from path in Files()
               where TextExtensions.Contains(Path.GetExtension(path), StringComparer.Ordinal)
               let text = File.ReadAllText(path)
               from word in MachinePaths
               where text.Contains(word, StringComparison.Ordinal)
               select $"{path}: {word}",
        ];
        Assert.True(found.Length == 0, $"Paths of one machine: {string.Join(", ", found)}");
    }

    [Fact]
    public void LockFiles_CarryNoSdkPatch()
    {
        string[] found = [.. Files().Where(path => Path.GetFileName(path) == "packages.lock.json" && File.ReadAllText(path).Contains("Microsoft.NET.ILLink.Tasks", StringComparison.Ordinal))];
        Assert.True(found.Length == 0, $"Lock files name a package of the SDK's patch version and would not restore under another: {string.Join(", ", found)}");
    }

    [Fact]
    public void TrackedFiles_StaySmall()
    {
        string[]? tracked = TrackedFiles.Find();
        Assert.SkipWhen(tracked is null, "git is not available, or this is not a checkout");
        long bytes = tracked.Select(RepositoryFolder.PathOf).Where(File.Exists).Sum(path => new FileInfo(path).Length);
        Assert.True(bytes <= MaxTrackedBytes, $"Tracked files have {bytes} bytes; at most {MaxTrackedBytes} keep a clone quick.");
    }

    private static IEnumerable<string> Files() =>
        from folder in (string[])["src", "tests", "benchmarks", "samples", "docs", "eng", ".ci"]
        let path = RepositoryFolder.PathOf(folder)
        where Directory.Exists(path)
        from file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(path, file).Replace('\\', '/').Split('/')
        where !relative.Any(part => NotOurs.Contains(part, StringComparer.Ordinal))
        select file;
}
