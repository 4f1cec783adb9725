using System.Text.Json;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class BenchTrainTests
{
    private static readonly string[] Numbers =
    [
        "imageSize", "tokens", "batch", "threads", "medianMilliseconds", "minMilliseconds", "cpuMilliseconds", "forwardMilliseconds", "backwardMilliseconds", "peakBytes", "repeat",
    ];

    [Fact]
    public void WritesItsContract_ForEverySizeAndCase()
    {
        CommandRun run = CommandRun.Of([.. "bench train --image 32,48 --batch 2 --threads 2 --repeat 2 --json".Split(' ')]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Equal("32 exact, 32 binary, 48 exact, 48 binary", string.Join(", ", run.JsonLines.Select(line => $"{line.GetProperty("imageSize")} {line.GetProperty("attention")}")));
        foreach (JsonElement line in run.JsonLines)
        {
            Assert.All(Numbers, name => Assert.Equal(JsonValueKind.Number, line.GetProperty(name).ValueKind));
            Assert.Equal("deit-tiny", line.GetProperty("model").GetString());
        }
    }

    [Theory]
    [InlineData("--model none", "--model")]
    [InlineData("--image 30", "multiple of 16")]
    [InlineData("--image 224,,384", "single commas")]
    [InlineData("--attention sparse", "\"sparse\"")]
    [InlineData("--batch 0", "--batch")]
    [InlineData("--image 32,30", "multiple of 16")]
    [InlineData("--image 32 --save no-such-folder/results.jsonl", "--save")]
    public void Refuses_BadArguments(string arguments, string expected) => CommandRun.Of([.. "bench train --json".Split(' '), .. arguments.Split(' ')]).ShouldBeBadInput(expected);
}
