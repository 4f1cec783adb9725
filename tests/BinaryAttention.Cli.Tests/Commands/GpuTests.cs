// What the commands say and do about GPUs: without one, and with one that a fake driver pretends to have and the PTX interpreter plays.
using System.Text.Json;
using BinaryAttention.Cuda.Hosting;
using TestKit;
using TestKit.Cuda;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class GpuTests
{
    private const string Photograph = "samples/photos/chelsea.png";

    [Fact]
    public void Doctor_ShowsGpusAndReasons()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake A100", 8, 0), new FakeDevice("Fake V100", 7, 0));
        JsonElement line = Assert.Single(Run(fake, "doctor", "--json").JsonLines);
        Assert.Equal("12.4", line.GetProperty("cudaDriver").GetString());
        Assert.Equal(JsonValueKind.Null, line.GetProperty("whyNoGpu").ValueKind);
        JsonElement[] gpus = [.. line.GetProperty("gpus").EnumerateArray()];
        Assert.Equal(["Fake A100", "Fake V100"], gpus.Select(gpu => gpu.GetProperty("name").GetString()), StringComparer.Ordinal);
        Assert.True(gpus[0].GetProperty("isUsable").GetBoolean());
        Assert.Equal("one-bit and-popcount", gpus[0].GetProperty("signProduct").GetString());
        Assert.Contains("7.0", gpus[1].GetProperty("whyNot").GetString(), StringComparison.Ordinal);
        Assert.Contains("Fake V100", Run(fake, "doctor").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Doctor_SaysWhyThereIsNone()
    {
        JsonElement line = Assert.Single(WithoutGpu("doctor", "--json").JsonLines);
        Assert.Equal("no library", line.GetProperty("whyNoGpu").GetString());
        Assert.Empty(line.GetProperty("gpus").EnumerateArray());
        Assert.Contains("none: no library", WithoutGpu("doctor").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutAGpu_TheDeviceIsRefused()
    {
        WithoutGpu("classify", RepositoryFolder.PathOf(Photograph), "--device", "cuda").ShouldBeBadInput("--device cuda", "no library", "Leave --device out");
        WithoutGpu("bench", "gpu", "--json").ShouldBeBadInput("no library", "binattn doctor");
        WithoutGpu("classify", RepositoryFolder.PathOf(Photograph), "--device", "tpu").ShouldBeBadInput("--device is \"tpu\"", "cpu, cuda");
    }

    /// <summary>A whole model, its one-bit attention interpreted: the same answers, because the attention has the same bits.</summary>
    [Fact]
    public void Evaluate_RunsAModelsOneBitAttentionOnTheGpu()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", 8, 0));
        string[] args =
        [
            "evaluate", "--model", RepositoryFolder.PathOf("samples/models/vit_mnist.pt"), "--activation", "relu", "--idx-images", RepositoryFolder.PathOf("samples/digits/images.idx3.gz"),
            "--idx-labels", RepositoryFolder.PathOf("samples/digits/labels.idx1.gz"), "--take", "2", "--attention", "both", "--threads", "1", "--json",
        ];
        CommandRun onGpu = Run(fake, [.. args, "--device", "cuda"]);
        Assert.Equal(string.Empty, onGpu.Error);
        Assert.Empty(fake.Faults);
        Assert.NotEmpty(fake.Launches);
        CommandRun onCpu = Run(fake, [.. args, "--quantization", "tiled"]);
        foreach (string number in new[] { "images", "top1", "top5", "agreement" })
        {
            Assert.Equal(onCpu.JsonLines.Select(line => line.GetProperty(number).GetDouble()), onGpu.JsonLines.Select(line => line.GetProperty(number).GetDouble()));
        }
    }

    /// <summary>Relative-position tables: one exponential a pair, so that probabilities agree closely and not to the bit.</summary>
    [Fact]
    public void Classify_RunsAModelWithARelativeBiasOnTheGpu()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", 8, 0));
        using var folder = new TemporaryFolder();
        string[] args = ["classify", RepositoryFolder.PathOf(Photograph), "--model", OneBitCheckpoint.Write(folder), "--attention", "naive-binary", "--threads", "1", "--json"];
        CommandRun onGpu = Run(fake, [.. args, "--device", "cuda"]);
        Assert.Equal(string.Empty, onGpu.Error);
        Assert.Empty(fake.Faults);
        Assert.Contains(fake.Launches, static launch => launch.EntryPoint.Contains("relative_class", StringComparison.Ordinal));
        double[] expected = Probabilities(Run(fake, [.. args, "--quantization", "tiled"]));
        double[] actual = Probabilities(onGpu);
        Assert.Equal(5, expected.Length);
        Assert.All(expected.Zip(actual), static pair => Assert.InRange(pair.Second, pair.First - 1e-3, pair.First + 1e-3));
    }

    [Fact]
    public void BenchAttention_TimesOneShapeOnTheGpu()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        fake.MillisecondsPerLaunch = 5;
        CommandRun run = Run(fake, [.. "bench attention --shape 1x2x16x32 --key-length 20 --device cuda --repeat 2 --json".Split(' ')]);
        Assert.Equal(string.Empty, run.Error);
        JsonElement row = Assert.Single(run.JsonLines);
        Assert.Equal(5, row.GetProperty("attentionMilliseconds").GetDouble());
        Assert.Equal(20, row.GetProperty("keyLength").GetInt32());
        Assert.Empty(fake.Faults);
        Assert.Contains("totalMilliseconds", Run(fake, [.. "bench attention --shape 1x2x16x32 --device cuda --repeat 1".Split(' ')]).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--operation exact", "one-bit attention alone")]
    [InlineData("--kernels simd", "--kernels names kernels of the CPU")]
    [InlineData("--quantization full", "Quantization is Full")]
    public void BenchAttention_RefusesWhatTheGpuLacks(string arguments, string words)
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        Run(fake, [.. "bench attention --shape 1x2x16x32 --device cuda".Split(' '), .. arguments.Split(' ')]).ShouldBeBadInput(words);
    }

    [Fact]
    public void Cuda_ComputesTiledAlone()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        Run(fake, "classify", RepositoryFolder.PathOf(Photograph), "--device", "cuda", "--quantization", "full").ShouldBeBadInput("--quantization is full", "--quantization tiled");
    }

    [Theory]
    [InlineData("--lengths 0", "--lengths")]
    [InlineData("--dimensions 64,,32", "--dimensions")]
    [InlineData("--repeat none", "--repeat")]
    [InlineData("--save no/such/folder", "--save")]
    public void BenchGpu_RefusesBadArguments(string arguments, string words)
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        Run(fake, ["bench", "gpu", .. arguments.Split(' ')]).ShouldBeBadInput(words);
    }

    [Fact]
    public void BenchGpu_ReportsKernelsCorrectnessTimesAndWhatIsMissing()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake GPU 80", 8, 0));
        fake.MillisecondsPerLaunch = 5;
        using var folder = new TemporaryFolder();
        CommandRun run = Run(fake, "bench", "gpu", "--lengths", "24", "--dimensions", "32", "--heads", "1", "--repeat", "1", "--check-length", "1", "--save", folder.Path, "--json");
        Assert.Equal(string.Empty, run.Error);
        Assert.Empty(fake.Faults);
        JsonElement[] rows = [.. run.JsonLines];
        JsonElement environment = rows[0];
        Assert.Equal("environment", Kind(environment));
        Assert.Equal("Fake GPU 80", environment.GetProperty("gpu").GetString());
        Assert.StartsWith("binattn bench gpu --lengths 24", environment.GetProperty("command").GetString(), StringComparison.Ordinal);
        Assert.All(rows.Where(row => Kind(row) == "kernel"), row => Assert.Equal(96, row.GetProperty("registers").GetInt32()));
        JsonElement[] compared = [.. rows.Where(row => Kind(row) == "correctness")];
        Assert.Equal(36, compared.Length);
        JsonElement[] instructions = [.. rows.Where(row => Kind(row) == "instruction")];
        Assert.Equal(16, instructions.Length);
        Assert.All(instructions, row => Assert.True(row.GetProperty("clocksPerStep").GetDouble() > 0 && row.GetProperty("latencyClocks").GetDouble() >= 1, row.ToString()));
        Assert.All(compared, row => Assert.True(row.GetProperty("isEqual").GetBoolean(), row.ToString()));
        JsonElement[] timings = [.. rows.Where(row => Kind(row) == "timing")];
        Assert.Equal(2, timings.Length);
        Assert.All(timings, row => Assert.True(row.GetProperty("attentionMilliseconds").GetDouble() is 5 && row.GetProperty("totalMilliseconds").GetDouble() > row.GetProperty("packingMilliseconds").GetDouble()));
        Assert.True(rows.Count(row => Kind(row) == "not-measured") >= 2);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        string saved = File.ReadAllText(Path.Combine(folder.Path, "fake-gpu-80", "bench-gpu.jsonl"));
        Assert.Equal(run.Output.ReplaceLineEndings("\n"), saved);
        Assert.Equal(0, fake.PushedContexts);
    }

    [Fact]
    public void BenchGpu_StopsBeforeTimes_WhenAResultIsWrong()
    {
        // Nothing is computed: outputs keep the pattern they were filled with.
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        CommandRun run = Run(fake, "bench", "gpu", "--lengths", "16", "--dimensions", "32", "--heads", "1", "--repeat", "1", "--check-length", "1", "--json");
        Assert.Equal(ExitCodes.Failure, run.ExitCode);
        Assert.All(run.JsonLines.Where(row => Kind(row) == "correctness"), row => Assert.False(row.GetProperty("isEqual").GetBoolean()));
        Assert.DoesNotContain(run.JsonLines, row => Kind(row) == "timing");
        Assert.Contains(run.JsonLines, row => Kind(row) == "not-measured" && row.GetProperty("what").GetString() == "all timings");
    }

    [Fact]
    public void BenchGpu_ReportsARefusedKernel()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 9, 0));
        fake.CompilerError = "error : unknown instruction";
        CommandRun run = Run(fake, "bench", "gpu", "--lengths", "16", "--dimensions", "32", "--check-length", "1", "--repeat", "1", "--heads", "1");
        Assert.Equal(ExitCodes.Failure, run.ExitCode);
        Assert.Contains("0 of 36 calls equal the CPU's bits", run.Output, StringComparison.Ordinal);
        Assert.Contains("unknown instruction", run.Output, StringComparison.Ordinal);
        Assert.Contains("not measured: all timings", run.Output, StringComparison.Ordinal);
    }

    private static double[] Probabilities(CommandRun run) => [.. Assert.Single(run.JsonLines).GetProperty("predictions").EnumerateArray().Select(static prediction => prediction.GetProperty("probability").GetDouble())];

    private static string Kind(JsonElement row) => row.GetProperty("kind").GetString()!;

    private static CommandRun Run(FakeDriver fake, params string[] args)
    {
        var discovery = CudaDiscovery.Of(fake.Table(), null);
        CommandRun run = CommandRun.Of(() => discovery, CancellationToken.None, args);
        foreach (Cuda.CudaDevice device in discovery.Devices)
        {
            device.ReleaseRuntime();
        }

        return run;
    }

    private static CommandRun WithoutGpu(params string[] args)
    {
        var discovery = CudaDiscovery.Of(null, "no library");
        return CommandRun.Of(() => discovery, CancellationToken.None, args);
    }
}
