using System.Text.Json;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class BenchModelTests
{
    private static readonly string[] Numbers =
    [
        "imageSize", "tokens", "batch", "threads", "medianMilliseconds", "minMilliseconds", "cpuMilliseconds", "attentionShare", "embeddingShare", "allocatedBytes", "repeat",
    ];

    [Fact]
    public void WritesItsContract_ForEverySizeAndCase()
    {
        CommandRun run = CommandRun.Of([.. "bench model --model deit-tiny --image 32,64 --batch 2 --threads 2 --repeat 2 --json".Split(' ')]);
        Assert.Equal(string.Empty, run.Error);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Equal(
            "32 exact fp32, 32 exact int8, 32 naive-binary fp32, 32 naive-binary int8, 64 exact fp32, 64 exact int8, 64 naive-binary fp32, 64 naive-binary int8",
            string.Join(", ", run.JsonLines.Select(line => $"{line.GetProperty("imageSize")} {line.GetProperty("attention")} {line.GetProperty("linear")}")));
        foreach (JsonElement line in run.JsonLines)
        {
            Assert.All(Numbers, name => Assert.Equal(JsonValueKind.Number, line.GetProperty(name).ValueKind));
            Assert.Equal("deit-tiny", line.GetProperty("model").GetString());
            Assert.InRange(line.GetProperty("attentionShare").GetDouble(), 0.001, 0.9);
            Assert.Equal(1 + (line.GetProperty("imageSize").GetInt32() * line.GetProperty("imageSize").GetInt32() / 256), line.GetProperty("tokens").GetInt32());
        }
    }

    [Fact]
    public void Table_ShowsTheShareOfAttention()
    {
        CommandRun run = CommandRun.Of([.. "bench model --image 16 --attention exact --linear int8 --repeat 1".Split(' ')]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("attention %", run.Output, StringComparison.Ordinal);
        Assert.Contains("2 tokens", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--model none.safetensors", "none.safetensors")]
    [InlineData("--image 30", "--image 30")]
    [InlineData("--image 224,,384", "single commas")]
    [InlineData("--image big", "\"big\"")]
    [InlineData("--attention sparse", "\"sparse\"")]
    [InlineData("--linear int4", "\"int4\"")]
    [InlineData("--batch 0", "--batch")]
    public void Refuses_BadArguments(string arguments, string expected) => CommandRun.Of([.. "bench model --json".Split(' '), .. arguments.Split(' ')]).ShouldBeBadInput(expected);
}
