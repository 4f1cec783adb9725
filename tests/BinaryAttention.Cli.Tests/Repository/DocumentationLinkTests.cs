// Relative links of the documentation point to something that is there.
using System.Text.RegularExpressions;
using TestKit;
using Xunit;

namespace BinaryAttention.Cli.Tests.Repository;

public sealed partial class DocumentationLinkTests
{
    [Fact]
    public void RelativeLinks_PointToFiles()
    {
        string[]? tracked = TrackedFiles.Find();
        Assert.SkipWhen(tracked is null, "git is not available, or this is not a checkout");
        var broken = new List<string>();
        int followed = 0;
        foreach (string page in tracked.Where(path => path.EndsWith(".md", StringComparison.OrdinalIgnoreCase) && File.Exists(RepositoryFolder.PathOf(path))))
        {
            foreach (string target in Targets(File.ReadAllText(RepositoryFolder.PathOf(page))))
            {
                followed++;
                string path = Path.GetRelativePath(RepositoryFolder.Root, Path.GetFullPath(Path.Combine(Path.GetDirectoryName(RepositoryFolder.PathOf(page))!, target))).Replace('\\', '/');
                if (!File.Exists(RepositoryFolder.PathOf(path)) && !Directory.Exists(RepositoryFolder.PathOf(path)))
                {
                    broken.Add($"{page}: {target}");
                }
            }
        }

        Assert.True(followed > 0, "no link was found; the pattern is wrong");
        Assert.True(broken.Count == 0, $"Links to files that do not exist: {string.Join(", ", broken)}");
    }

    [Fact]
    public void Targets_AreFoundAsWritten() => Assert.Equal(
        ["a.md", "b/c.md", "pictures/d e.png", "g.md", "h.md"],
        Targets("[a](a.md) [b](b/c.md#part \"title\") ![d](<pictures/d%20e.png>) [x](https://example.org/x) [y](#here) `[n](n.md)`\n```\n[code](f.md)\n```\n[g]: g.md\n[![badge](h.md)](mailto:x@example.org)"),
        StringComparer.Ordinal);

    /// <summary>Targets of links and pictures outside code that are neither addresses nor places on the same page, without their fragment.</summary>
    private static IEnumerable<string> Targets(string markdown) =>
        from match in Link().Matches(Code().Replace(markdown, string.Empty))
        let target = match.Groups["target"].Value.Trim('<', '>')
        where !Scheme().IsMatch(target) && !target.StartsWith('#')
        select Uri.UnescapeDataString(target.Split('#')[0]);

    [GeneratedRegex(@"^(?<fence>```|~~~).*?^\k<fence>|`[^`\n]*`", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\(\s*(?<target><[^>]*>|[^)\s]+)|^\[[^\]]+\]:\s*(?<target>\S+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Link();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9+.-]*:", RegexOptions.None, 5000)]
    private static partial Regex Scheme();
}
