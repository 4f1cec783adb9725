// 8-bit attention on the command line: classify, evaluate, bench attention, and calibrate's layers, budget and continuation.
using System.Text.Json;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class EightBitTests
{
    private static readonly string Digits = RepositoryFolder.PathOf("samples/models/vit_mnist.pt");
    private static readonly string[] Pictures = ["--idx-images", RepositoryFolder.PathOf("samples/digits/images.idx3.gz"), "--idx-labels", RepositoryFolder.PathOf("samples/digits/labels.idx1.gz")];
    private static readonly string[] Calibrate = ["calibrate", "--model", Digits, "--activation", "relu", .. Pictures, "--limit", "24", "--test", "50", "--json"];

    [Fact]
    public void Classify_NamesTheAttention()
    {
        CommandRun run = CommandRun.Of("classify", RepositoryFolder.PathOf("samples/photos/chelsea.png"), "--attention", "eight-bit", "--json");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        JsonElement line = Assert.Single(run.JsonLines);
        Assert.Equal("eight-bit", line.GetProperty("attention").GetString());
        Assert.Contains("cat", line.GetProperty("predictions")[0].GetProperty("name").GetString(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Evaluate_AgreesWithExact()
    {
        CommandRun run = CommandRun.Of(["evaluate", "--model", Digits, "--activation", "relu", .. Pictures, "--attention", "eight-bit", "--json"]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        JsonElement line = Assert.Single(run.JsonLines);
        Assert.InRange(line.GetProperty("agreement").GetDouble(), 0.99, 1);
        CommandRun parity = CommandRun.Of(["evaluate", "--model", Digits, "--activation", "relu", .. Pictures, "--attention", "eight-bit", "--quantization", "training-parity"]);
        Assert.NotEqual(ExitCodes.Success, parity.ExitCode);
        Assert.Contains("TrainingParity", parity.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Bench_TimesIt()
    {
        CommandRun run = CommandRun.Of("bench", "attention", "--shape", "1x2x17x32", "--kernels", "simd,reference", "--operation", "all", "--repeat", "2", "--json");
        Assert.Equal(["binary", "eight-bit", "exact", "binary", "eight-bit", "exact"], run.JsonLines.Select(static line => line.GetProperty("operation").GetString()), StringComparer.Ordinal);
        Assert.All(run.JsonLines, static line => Assert.InRange(line.GetProperty("relativeError").GetDouble(), 0, 0.05));
    }

    [Fact]
    public void Calibrate_KeepsSensitiveLayers()
    {
        using var folder = new TemporaryFolder();
        CommandRun measured = CommandRun.Of([.. Calibrate, "--recipe", "closed-form", "--exact-layers", "1", "--eight-bit-layers", "2", "-o", folder["a.safetensors"]]);
        Assert.Equal(ExitCodes.Success, measured.ExitCode);
        JsonElement total = Total(measured);
        int exact = Assert.Single(Numbers(total, "exactLayers"));
        int[] eightBit = Numbers(total, "eightBitLayers");
        Assert.Equal(2, eightBit.Length);
        Assert.DoesNotContain(exact, eightBit);
        Assert.InRange(total.GetProperty("peakMemoryBytes").GetInt64(), 10_000_000, 2_000_000_000);
        Assert.Equal(3, measured.Error.Split('\n').Count(static line => line.Contains("wins back", StringComparison.Ordinal)));

        CommandRun named = CommandRun.Of([.. Calibrate, "--recipe", "closed-form", "--exact-layers", $"{exact},", "--eight-bit-layers", string.Join(',', eightBit), "-o", folder["b.safetensors"]]);
        Assert.Equal(File.ReadAllBytes(folder["a.safetensors"]), File.ReadAllBytes(folder["b.safetensors"]));
        Assert.Equal([exact], Numbers(Total(named), "exactLayers"));
        Assert.False(File.Exists(folder["a.safetensors.partial"]));
    }

    [Theory]
    [InlineData("--exact-layers x", "--exact-layers is \"x\"")]
    [InlineData("--eight-bit-layers 6,", "names layer 6")]
    [InlineData("--exact-layers 3 --eight-bit-layers 3", "leave none")]
    [InlineData("--budget 0", "--budget is 0")]
    [InlineData("--exact-layers 1,2 --eight-bit-layers 2,3", "layer 2 is in --exact-layers and in --eight-bit-layers")]
    public void Calibrate_RejectsBadChoices(string more, string words)
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of([.. Calibrate, .. more.Split(' '), "-o", folder["a.safetensors"]]);
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Contains(words, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupted_ContinuesToTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = [.. Calibrate, "--steps", "60", "--threads", "1"];
        Assert.Equal(ExitCodes.Success, CommandRun.Of([.. arguments, "-o", folder["whole.safetensors"]]).ExitCode);
        string output = folder["stopped.safetensors"], partial = output + ".partial";
        using var stop = new CancellationTokenSource();
        Task<CommandRun> run = Task.Run(() => CommandRun.Of(stop.Token, [.. arguments, "-o", output]), TestContext.Current.CancellationToken);
        while (!File.Exists(partial) && !run.IsCompleted)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync();
        CommandRun interrupted = await run;
        Assert.Equal(ExitCodes.Interrupted, interrupted.ExitCode);
        Assert.Contains("kept in", interrupted.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(output));
        CommandRun other = CommandRun.Of([.. arguments, "--seed", "2", "-o", output]);
        Assert.Equal(ExitCodes.BadInput, other.ExitCode);
        Assert.Contains("--force to start anew", other.Error, StringComparison.Ordinal);
        CommandRun continued = CommandRun.Of([.. arguments, "-o", output]);
        Assert.Equal(ExitCodes.Success, continued.ExitCode);
        Assert.Contains("done by an earlier run", continued.Error, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(folder["whole.safetensors"]), File.ReadAllBytes(output));
        Assert.False(File.Exists(partial));
    }

    [Fact]
    public void Budget_IsKept()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of([.. Calibrate, "--budget", "0.00001", "-o", folder["a.safetensors"]]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("within the budget: closed form", run.Error, StringComparison.Ordinal);
        Assert.Equal("closed-form", Total(run).GetProperty("recipe").GetString());
    }

    private static JsonElement Total(CommandRun run) => run.JsonLines.Single(static line => line.GetProperty("kind").GetString() == "total");

    private static int[] Numbers(JsonElement line, string name) => [.. line.GetProperty(name).EnumerateArray().Select(static layer => layer.GetInt32())];
}
