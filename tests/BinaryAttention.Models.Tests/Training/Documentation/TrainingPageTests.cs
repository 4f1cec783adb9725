// The page about training names every member of a configuration with its default, and the committed configurations are read.
using System.Text.Json;
using BinaryAttention.Models.Reports;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Runs;
using TestKit;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Documentation;

public sealed class TrainingPageTests
{
    [Fact]
    public void EveryMember_IsDocumented()
    {
        string page = File.ReadAllText(RepositoryFolder.PathOf("docs/training.md"));
        using JsonDocument all = JsonDocument.Parse(ConfigurationFile.Text(new TrainingConfiguration { Data = new DataSection { Select = new DataSplit(), Test = new DataSplit() } }));
        var missing = new List<string>();
        foreach (JsonProperty member in all.RootElement.EnumerateObject())
        {
            foreach (string name in member.Value.ValueKind == JsonValueKind.Object ? member.Value.EnumerateObject().Select(static inner => inner.Name) : [member.Name])
            {
                if (!page.Contains($"`{name}`", StringComparison.Ordinal))
                {
                    missing.Add($"{member.Name}.{name}");
                }
            }
        }

        Assert.True(missing.Count == 0, $"docs/training.md says nothing about {string.Join(", ", missing)}.");
    }

    [Theory]
    [InlineData("samples/03-train-mnist/config.json")]
    [InlineData("benchmarks/training/mnist/base.json")]
    public void CommittedConfigurations_AreRead(string path) => Assert.NotEmpty(ConfigurationFile.Read(RepositoryFolder.PathOf(path)).Output);

    [Fact]
    public void Means_HaveStudentsIntervals()
    {
        SampleMean three = SampleMean.Of([0.1, 0.2, 0.3]);
        Assert.Equal(0.2, three.Mean, 12);
        Assert.Equal(4.303 * 0.1 / Math.Sqrt(3), three.HalfWidth, 12);
        Assert.True(double.IsNaN(SampleMean.Of([1]).HalfWidth));
        Assert.True(double.IsNaN(SampleMean.Of([]).Mean));
    }

    [Fact]
    public void Comparison_IsATableOfMeansAndPairedDifferences()
    {
        var none = new Dictionary<long, double>();
        var first = new RunGroup("a|b", new Dictionary<long, double> { [1] = 0.9, [2] = 0.8 }, none);
        var second = new RunGroup("other", new Dictionary<long, double> { [1] = 0.95, [2] = 0.85 }, none);
        string[] lines = RunComparison.Markdown([first, second]).Split('\n');
        Assert.Equal("| a\\|b | 2 | - | 85.00 ± 63.53 |  |", lines[2]);
        Assert.Equal("| other | 2 | - | 90.00 ± 63.53 | +5.00 ± 0.00 |", lines[3]);
    }
}
