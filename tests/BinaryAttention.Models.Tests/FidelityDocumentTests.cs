// The example of docs/fidelity.md compiles and runs: it is the one below, line for line.
using BinaryAttention.Models.Metrics;
using TestKit;
using Xunit;

namespace BinaryAttention.Models.Tests;

public sealed class FidelityDocumentTests
{
    private const string Source = "tests/BinaryAttention.Models.Tests/FidelityDocumentTests.cs";

    [Fact]
    public void Example_IsTheOneThatIsCompiledHere()
    {
        string[] page = File.ReadAllLines(RepositoryFolder.PathOf("docs/fidelity.md"));
        int start = Array.IndexOf(page, "```csharp") + 1;
        string[] example = [.. page[start..Array.IndexOf(page, "```", start)].Where(line => line.Length > 0 && !line.StartsWith("using ", StringComparison.Ordinal)).Select(line => line.Trim())];
        string[] here = [.. File.ReadAllLines(RepositoryFolder.PathOf(Source)).Select(line => line.Trim())];
        int first = Array.IndexOf(here, example[0]);
        Assert.True(first >= 0, $"{Source} has no line \"{example[0]}\"; change both together.");
        Assert.Equal(example, here[first..].Where(line => line.Length > 0).Take(example.Length), StringComparer.Ordinal);
        Example();
    }

    private static void Example()
    {
        var shape = new AttentionShape(BatchSize: 1, HeadCount: 2, QueryLength: 16, KeyLength: 16, HeadDimension: 32, ValueDimension: 32);
        var random = new Random(1);
        float[] query = new float[1024], key = new float[1024], value = new float[1024];
        foreach (float[] operand in (float[][])[query, key, value])
        {
            for (int i = 0; i < operand.Length; i++)
            {
                operand[i] = random.NextSingle() - 0.5f;
            }
        }

        HeadFidelity[] heads = AttentionFidelity.Measure(query, key, value, shape, new AttentionOptions(), new BinaryAttentionOptions { Weighting = SignWeighting.MeanMagnitudePerToken });
        Console.WriteLine($"KL {heads[0].MapDivergence:F3}, output error {heads[0].OutputError:P1}");
    }
}
