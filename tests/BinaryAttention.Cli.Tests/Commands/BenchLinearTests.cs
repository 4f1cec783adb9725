using System.Text.Json;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class BenchLinearTests
{
    private static readonly string[] Numbers =
    [
        "rows", "inputs", "outputs", "threads", "medianMilliseconds", "minMilliseconds", "gigaMultiplyAddsPerSecond", "multiplyAddsPerCycle", "relativeError", "clockGigahertz", "repeat",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void WritesItsContract_ForEveryShapeAndPrecision(int threads)
    {
        CommandRun run = CommandRun.Of([.. $"bench linear --shape 5x7x9,70x64x65 --threads {threads} --repeat 2 --json".Split(' ')]);
        Assert.Equal(string.Empty, run.Error);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Equal("5 fp32, 5 int8, 70 fp32, 70 int8", string.Join(", ", run.JsonLines.Select(line => $"{line.GetProperty("rows")} {line.GetProperty("linear")}")));
        foreach (JsonElement line in run.JsonLines)
        {
            Assert.All(Numbers, name => Assert.Equal(JsonValueKind.Number, line.GetProperty(name).ValueKind));
            bool isFloat = line.GetProperty("linear").GetString() == "fp32";
            Assert.InRange(line.GetProperty("relativeError").GetDouble(), isFloat ? 0 : 1e-4, isFloat ? 0 : 0.03);
        }
    }

    [Theory]
    [InlineData("5x7", "\"5x7\"")]
    [InlineData("5x7x0", "at least 1")]
    [InlineData("5x7x9,", "\"\"")]
    [InlineData("60000x60000x1", "Give smaller sizes")]
    public void Refuses_BadShapes(string shape, string expected) => CommandRun.Of("bench", "linear", "--shape", shape).ShouldBeBadInput(expected);
}
