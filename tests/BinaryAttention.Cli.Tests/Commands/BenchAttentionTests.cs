using System.Text.Json;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class BenchAttentionTests
{
    private static readonly string[] Numbers =
    [
        "batchSize", "headCount", "queryLength", "keyLength", "headDimension", "valueDimension", "threads", "medianMilliseconds", "minMilliseconds", "packingMilliseconds",
        "cyclesPerPair", "cosineSimilarity", "relativeError", "allocatedBytes", "clockGigahertz", "repeat",
    ];

    [Theory]
    [InlineData("")]
    [InlineData("--weighting per-token --bias dense")]
    [InlineData("--weighting per-token-query --bias relative --quantization full")]
    [InlineData("--weighting none --bias key --quantization training-parity --threads 2")]
    [InlineData("--value-dimension 24 --key-length 33")]
    [InlineData("--weighting learned --bias key")]
    public void WritesItsContract_ForEveryKernelAndOperation(string more)
    {
        CommandRun run = CommandRun.Of([.. "bench attention --shape 1x2x17x32 --kernels simd,reference --repeat 2 --json".Split(' '), .. more.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(string.Empty, run.Error);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Equal("simd binary, simd exact, reference binary, reference exact", string.Join(", ", run.JsonLines.Select(line => $"{line.GetProperty("kernel")} {line.GetProperty("operation")}")));
        foreach (JsonElement line in run.JsonLines)
        {
            Assert.All(Numbers, name => Assert.Equal(JsonValueKind.Number, line.GetProperty(name).ValueKind));
            Assert.True(line.GetProperty("medianMilliseconds").GetDouble() >= line.GetProperty("minMilliseconds").GetDouble());
            Assert.InRange(line.GetProperty("clockGigahertz").GetDouble(), 0.2, 8);
            Assert.Equal("2026-04-01T12:00:00Z", line.GetProperty("date").GetString());
            Assert.Equal(2 * 17, line.GetProperty("headCount").GetInt32() * line.GetProperty("queryLength").GetInt32());

            // Parity mode keeps probabilities to 1/255; everything else is close to double precision.
            bool isParity = more.Contains("training-parity", StringComparison.Ordinal);
            Assert.InRange(line.GetProperty("cosineSimilarity").GetDouble(), isParity ? 0.99 : 0.999, 1.000001);
            Assert.InRange(line.GetProperty("relativeError").GetDouble(), 0, isParity ? 0.15 : 0.05);
        }
    }

    [Fact]
    public void Exact_IsExact_AndFullBinary_IsCloseToDouble()
    {
        CommandRun run = CommandRun.Of([.. "bench attention --shape 2x3x50x64 --quantization full --repeat 1 --json".Split(' ')]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.All(run.JsonLines, line => Assert.InRange(line.GetProperty("relativeError").GetDouble(), 0, 1e-4));
    }

    [Fact]
    public void Default_LeavesOutTheReference()
    {
        CommandRun run = CommandRun.Of([.. "bench attention --shape 1x1x5x8 --repeat 1 --operation exact --json".Split(' ')]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Equal("simd", Assert.Single(run.JsonLines).GetProperty("kernel").GetString());
    }

    [Fact]
    public void SeveralShapes_AreTimedInTheirOrder()
    {
        CommandRun run = CommandRun.Of([.. "bench attention --shape 1x1x9x8,1x2x5x16 --operation exact --kernels simd --repeat 1 --json".Split(' ')]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Equal("9x8, 5x16", string.Join(", ", run.JsonLines.Select(line => $"{line.GetProperty("queryLength")}x{line.GetProperty("headDimension")}")));
    }

    [Fact]
    public void Table_NamesTheClock()
    {
        CommandRun run = CommandRun.Of([.. "bench attention --shape 1x1x5x8 --repeat 1 --operation binary".Split(' ')]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("GHz", run.Output, StringComparison.Ordinal);
        Assert.Contains("cycles/pair", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--shape 1x2x3", "--shape is \"1x2x3\"")]
    [InlineData("--shape 1x2x0x8", "at least 1")]
    [InlineData("--shape 1x2x-3x8", "at least 1")]
    [InlineData("--shape 1x2x99999999999x8", "at least 1")]
    [InlineData("--shape 9999x9999x9999x64", "--shape")]
    [InlineData("--shape 65536x65536x65536x65536", "Give a smaller shape")]
    [InlineData("--shape 1x1x50000x1 --key-length 1 --value-dimension 60000", "Give a smaller shape")]
    [InlineData("--shape 1x1x4x8 --kernels warp", "\"warp\"")]
    [InlineData("--shape 1x1x4x8 --kernels simd,,reference", "single commas")]
    [InlineData("--shape 1x1x4x8 --repeat 0", "--repeat")]
    [InlineData("--shape 1x1x4x8 --threads none", "--threads")]
    [InlineData("--shape 1x1x4x8 --weighting taught", "per-token-query")]
    [InlineData("--shape 1x1x4x8,", "--shape is \"\"")]
    [InlineData("--shape 1x1x4x8 --quantization int4", "training-parity")]
    [InlineData("--shape 1x1x7x8 --bias relative", "square grid")]
    [InlineData("--shape 1x1x4x8 --key-length 9 --bias relative", "square grid")]
    public void Refuses_BadArguments(string arguments, string expected) => CommandRun.Of([.. "bench attention --json".Split(' '), .. arguments.Split(' ')]).ShouldBeBadInput(expected);

    [Fact]
    public void Cancellation_GivesExitCode130_AndNoOutput()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        CommandRun run = CommandRun.Of(cancelled.Token, [.. "bench attention --shape 1x1x5x8 --json".Split(' ')]);
        Assert.Equal(ExitCodes.Interrupted, run.ExitCode);
        Assert.Empty(run.Output);
    }
}
