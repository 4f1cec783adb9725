// The public API of each library is kept as approved text beside its project, so that a change to it is seen in review.
using System.Reflection;
using BinaryAttention.Cuda;
using BinaryAttention.Formats;
using BinaryAttention.Models.Vision;
using TestKit;
using Xunit;

namespace BinaryAttention.Cli.Tests.Repository;

public sealed class PublicApiTests
{
    private const string ApproveVariable = "BINARYATTENTION_APPROVE";

    public static TheoryData<string> Libraries => [.. Assemblies.Keys];

    private static Dictionary<string, Assembly> Assemblies { get; } = new(StringComparer.Ordinal)
    {
        ["BinaryAttention"] = typeof(Attention).Assembly,
        ["BinaryAttention.Cuda"] = typeof(CudaDevice).Assembly,
        ["BinaryAttention.Formats"] = typeof(FileFormatException).Assembly,
        ["BinaryAttention.Models"] = typeof(VisionTransformer).Assembly,
    };

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Matches_TheApprovedText(string library)
    {
        string path = RepositoryFolder.PathOf($"src/{library}/PublicApi.txt");
        string actual = PublicApiText.Of(Assemblies[library]);
        if (string.Equals(Environment.GetEnvironmentVariable(ApproveVariable), "1", StringComparison.Ordinal))
        {
            File.WriteAllText(path, actual);
            return;
        }

        string approved = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : string.Empty;
        if (!string.Equals(approved, actual, StringComparison.Ordinal))
        {
            Assert.Fail($"""
                The public API of {library} differs from src/{library}/PublicApi.txt.
                {string.Join('\n', Differences(approved, actual))}
                If the change is meant, approve it and commit the text:
                  {ApproveVariable}=1 dotnet run --project tests/BinaryAttention.Cli.Tests -c Release -- --filter-class "*PublicApiTests"
                """);
        }
    }

    // Members repeat between types; counting tells an added or removed copy apart.
    private static IEnumerable<string> Differences(string approved, string actual)
    {
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        foreach (string line in approved.Split('\n'))
        {
            counts[line] = counts.GetValueOrDefault(line) - 1;
        }

        foreach (string line in actual.Split('\n'))
        {
            counts[line] = counts.GetValueOrDefault(line) + 1;
        }

        return counts.Where(pair => pair.Value != 0).Select(pair => $"{(pair.Value > 0 ? "+" : "-")} {pair.Key}").Take(40);
    }
}
