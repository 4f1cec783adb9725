using BinaryAttention.Cuda.Hosting;
using TestKit.Cuda;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Host;

public sealed class OptionTests
{
    private static readonly AttentionShape Shape = new(2, 4, 5, 6, 64, 32);

    public static TheoryData<string, BinaryAttentionOptions, string> Refused => new()
    {
        { "Quantization", new() { Quantization = ValueQuantization.Full }, "Quantization is Full" },
        { "parity", new() { Quantization = ValueQuantization.TrainingParity }, "set that, or run the call on the CPU" },
        { "bias", new() { Bias = AttentionBias.LowRank(new float[5 * 2], new float[6 * 2], 1, 1, 5, 6, 2) }, "Bias is LowRank" },
        { "planes", new() { QueryPlanes = 2 }, "QueryPlanes is 2" },
        { "calibration", new() { Calibration = new AttentionCalibration { Temperature = new float[4] } }, "Calibration is set" },
        { "kernel", new() { Kernel = "simd" }, "\"simd\"" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void OptionWithoutAKernel_IsRefusedByName(string what, BinaryAttentionOptions options, string words)
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var backend = new CudaAttentionBackend(device);
        var query = new float[2 * 4 * 5 * 64];
        var key = new float[2 * 4 * 6 * 64];
        var value = new float[2 * 4 * 6 * 32];
        var destination = new float[2 * 4 * 5 * 32];
        string message = Assert.Throws<NotSupportedException>(() => backend.BinaryScaledDotProduct(query, key, value, destination, Shape, options)).Message;
        Assert.Contains(words, message, StringComparison.Ordinal);
        Assert.Contains(words, backend.WhyNot(Shape, options), StringComparison.Ordinal);
        Assert.Contains(words, Assert.Throws<NotSupportedException>(() => CudaAttentionPlan.Create(device, Shape, options)).Message, StringComparison.Ordinal);
        Assert.True(what.Length > 0 && fake.RetainedContexts == 0, "the device was touched");
    }

    [Fact]
    public void DefaultOptions_CanRun()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 9, 0));
        var backend = new CudaAttentionBackend(CudaDiscovery.Of(fake.Table(), null).Default);
        Assert.Equal("cuda", backend.Name);
        Assert.Null(backend.WhyNot(Shape));
        Assert.Null(backend.WhyNot(Shape, new BinaryAttentionOptions { Kernel = "cuda", Weighting = SignWeighting.PerTokenQuery, Mask = AttentionMask.Causal.And(AttentionMask.Lengths(default, new[] { 3, 6 })) }));
        Assert.Contains("headDimension is 200", backend.WhyNot(new AttentionShape(1, 1, 4, 4, 200, 64)), StringComparison.Ordinal);
    }

    [Fact]
    public void WrongArguments_AreRefusedAsOnTheCpu()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        var backend = new CudaAttentionBackend(CudaDiscovery.Of(fake.Table(), null).Default);
        var big = new float[4096];
        foreach ((Action<IAttentionBackend> call, string _) in new (Action<IAttentionBackend>, string)[]
        {
            (on => on.BinaryScaledDotProduct(big, big, big, new float[5], new AttentionShape(1, 1, 4, 4, 8, 8)), "short destination"),
            (on => on.BinaryScaledDotProduct(big, big, big, big, new AttentionShape(1, 1, 4, 4, 8, 8)), "overlap"),
            (on => on.BinaryScaledDotProduct(big, big, big, new float[32], new AttentionShape(1, 1, 4, 4, 8, 8), null, new float[3]), "logSumExp"),
            (on => on.BinaryScaledDotProduct(big, big, big, new float[96], new AttentionShape(1, 3, 4, 4, 8, 8) { KeyHeadCount = 2 }), "heads"),
            (on => on.BinaryScaledDotProduct(big, big, big, new float[32], new AttentionShape(1, 1, 4, 4, 8, 8), new() { LogitScale = float.NaN }), "scale"),
        })
        {
            string onCpu = Assert.ThrowsAny<ArgumentException>(() => call(CpuAttentionBackend.Instance)).Message;
            Assert.Equal(onCpu, Assert.ThrowsAny<ArgumentException>(() => call(backend)).Message);
        }
    }

    [Fact]
    public void ExactAttention_IsRefused()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        IAttentionBackend backend = new CudaAttentionBackend(CudaDiscovery.Of(fake.Table(), null).Default);
        Assert.Contains("CpuAttentionBackend.Instance", Assert.Throws<NotSupportedException>(() => backend.ScaledDotProduct(default, default, default, default, Shape)).Message, StringComparison.Ordinal);
    }
}
