// CudaAttention from the public door to the kernels' text and back, on the fake driver with the interpreter as its GPU: the CPU's bits.
using System.Numerics.Tensors;
using BinaryAttention.Cuda.Hosting;
using TestKit.Cuda;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Host;

public sealed class EndToEndTests
{
    private static readonly FakeDevice Device = new("Fake", 8, 0);

    public static TheoryData<string, AttentionShape, TensorLayout, BinaryAttentionOptions> Cases => new()
    {
        { "plain", new(1, 2, 37, 37, 64, 64), TensorLayout.HeadTokenDimension, new() },
        { "wide", new(1, 1, 5, 70, 128, 128), TensorLayout.HeadTokenDimension, new() },
        { "odd dimensions", new(1, 1, 3, 9, 40, 24), TensorLayout.HeadTokenDimension, new() },
        { "causal", new(1, 1, 20, 33, 64, 32), TensorLayout.HeadTokenDimension, new() { Mask = AttentionMask.Causal } },
        { "key lengths", new(2, 1, 4, 40, 64, 64), TensorLayout.HeadTokenDimension, new() { Mask = AttentionMask.Lengths(default, new[] { 7, 40 }) } },
        { "grouped heads, tokens first", new(2, 4, 6, 10, 32, 32) { KeyHeadCount = 2 }, TensorLayout.TokenHeadDimension, new() },
        { "per-token queries, negative scale", new(1, 1, 6, 10, 64, 64), TensorLayout.HeadTokenDimension, new() { Weighting = SignWeighting.PerTokenQuery, LogitScale = -0.3f } },
        { "no weights", new(1, 1, 6, 10, 64, 64), TensorLayout.HeadTokenDimension, new() { Weighting = SignWeighting.None, SignOfZero = SignOfZero.Negative } },
        { "gaps everywhere", new(2, 2, 5, 8, 32, 32) { QueryTokenStride = 50, KeyTokenStride = 96, ValueTokenStride = 33, DestinationTokenStride = 40 }, TensorLayout.HeadTokenDimension, new() },
        { "fused projection", new(1, 2, 7, 7, 32, 32) { QueryTokenStride = 192, KeyTokenStride = 192, ValueTokenStride = 192 }, TensorLayout.TokenHeadDimension, new() },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void HostCall_GivesTheCpusBits(string what, AttentionShape shape, TensorLayout layout, BinaryAttentionOptions options)
    {
        using FakeDriver fake = InterpretedGpu.Start(Device);
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(shape, layout, what.Length);
        (float[] expected, float[] expectedLogSumExp) = operands.Run(CpuAttentionBackend.Instance, options);
        (float[] output, float[] logSumExp) = operands.Run(new CudaAttentionBackend(device), options);
        Assert.Empty(fake.Faults);
        Operands.AssertSameBits(expected, output);
        AssertClose(expectedLogSumExp, logSumExp);
        device.ReleaseRuntime();
        AssertClean(fake);
    }

    /// <summary>The forms for devices without and-popcount, and the options that need more operands.</summary>
    [Theory]
    [InlineData(7, 5)]
    [InlineData(8, 6)]
    [InlineData(10, 0)]
    [InlineData(12, 0)]
    public void EveryForm_GivesTheCpusBits(int major, int minor)
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", major, minor));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(new AttentionShape(2, 2, 9, 70, 48, 32) { KeyHeadCount = 1 }, TensorLayout.HeadTokenDimension, 4);
        var random = new Random(5);
        AttentionMask lengths = AttentionMask.Lengths(new[] { 9, 4 }, new[] { 70, 30 });
        foreach (BinaryAttentionOptions options in (BinaryAttentionOptions[])
        [
            new(),
            new() { Mask = lengths.And(AttentionMask.Boolean(Enumerable.Range(0, 9 * 2).Select(_ => (ulong)random.NextInt64()).ToArray())) },
            new() { Mask = AttentionMask.BlockSparse(new[] { false, true, true, false }).And(AttentionMask.Causal) },
            new() { Weighting = SignWeighting.LearnedRows(Enumerable.Range(0, 2 * 2 * 9).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray(), SignWeightingMode.None) },
        ])
        {
            (float[] expected, float[] expectedLogSumExp) = operands.Run(CpuAttentionBackend.Instance, options);
            (float[] output, float[] logSumExp) = operands.Run(new CudaAttentionBackend(device), options);
            Operands.AssertSameBits(expected, output);
            AssertClose(expectedLogSumExp, logSumExp);
        }

        device.ReleaseRuntime();
        AssertClean(fake);
    }

    /// <summary>Log mode rounds some numerators to the neighbouring level: close, not equal. A shared bias is read where it lies.</summary>
    [Theory]
    [InlineData("per key", 1, 1)]
    [InlineData("per key", 2, 2)]
    [InlineData("dense", 1, 2)]
    [InlineData("dense", 2, 1)]
    [InlineData("per-token keys", 1, 1)]
    [InlineData("relative", 1, 2)]
    [InlineData("relative", 1, 1)]
    [InlineData("learned", 1, 1)]
    public void LogMode_IsCloseToTheCpu(string what, int biasBatches, int biasHeads)
    {
        using FakeDriver fake = InterpretedGpu.Start(Device);
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(new AttentionShape(2, 2, what == "relative" ? 20 : 6, 20, 64, 32), TensorLayout.HeadTokenDimension, 11);
        var random = new Random(12);
        int pairs = what switch { "dense" => 6 * 20, "relative" => 7 * 9, _ => 20 };
        float[] values = [.. Enumerable.Range(0, biasBatches * biasHeads * pairs).Select(_ => (float)random.NextDouble())];
        BinaryAttentionOptions options = what switch
        {
            "per key" => new() { Bias = AttentionBias.PerKey(values, biasBatches, biasHeads, 20) },
            "dense" => new() { Bias = AttentionBias.Dense(values, biasBatches, biasHeads, 6, 20) },
            "relative" => new() { Bias = AttentionBias.RelativePosition(values, biasHeads, 4, 5, hasClassToken: false) },
            "learned" => new() { Weighting = SignWeighting.Learned(new float[2 * 2 * 6], Enumerable.Range(0, 2 * 2 * 20).Select(_ => (float)random.NextDouble()).ToArray()) },
            _ => new() { Weighting = SignWeighting.MeanMagnitudePerToken },
        };
        (float[] expected, float[] expectedLogSumExp) = operands.Run(CpuAttentionBackend.Instance, options);
        (float[] output, float[] logSumExp) = operands.Run(new CudaAttentionBackend(device), options);
        Assert.Empty(fake.Faults);
        AssertClose(expectedLogSumExp, logSumExp);
        Assert.All(expected.Zip(output), pair => Assert.InRange(pair.Second, pair.First - (2f / 255), pair.First + (2f / 255)));
        device.ReleaseRuntime();
        AssertClean(fake);
    }

    [Fact]
    public void TensorSpans_AreReadThroughTheirStrides()
    {
        using FakeDriver fake = InterpretedGpu.Start(Device);
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(new AttentionShape(1, 2, 5, 6, 32, 32), TensorLayout.TokenHeadDimension, 3);
        (float[] expected, _) = operands.Run(CpuAttentionBackend.Instance, new BinaryAttentionOptions(), wantsLogSumExp: false);
        var output = new float[expected.Length];
        CudaAttention.Run(
            device,
            new ReadOnlyTensorSpan<float>(operands.Query, [1, 5, 2, 32], default),
            new ReadOnlyTensorSpan<float>(operands.Key, [1, 6, 2, 32], default),
            new ReadOnlyTensorSpan<float>(operands.Value, [1, 6, 2, 32], default),
            new TensorSpan<float>(output, [1, 5, 2, 32], default),
            new BinaryAttentionOptions { Layout = TensorLayout.TokenHeadDimension },
            default,
            TestContext.Current.CancellationToken);
        Operands.AssertSameBits(expected, output);
    }

    [Fact]
    public void Buffers_AreReusedByCallsOfAnySize()
    {
        using FakeDriver fake = InterpretedGpu.Start(Device);
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var backend = new CudaAttentionBackend(device);
        foreach (int length in new[] { 9, 40, 3, 40 })
        {
            var operands = new Operands(new AttentionShape(1, 1, length, length, 64, 64), TensorLayout.HeadTokenDimension, length);
            Operands.AssertSameBits(operands.Run(CpuAttentionBackend.Instance, new BinaryAttentionOptions(), wantsLogSumExp: false).Output, operands.Run(backend, new BinaryAttentionOptions(), wantsLogSumExp: false).Output);
        }

        Assert.Equal(2, fake.Calls.Count(call => call == "cuMemAlloc_v2"));
        Assert.DoesNotContain("cuMemHostAlloc", fake.Calls, StringComparer.Ordinal);
        Assert.Equal(1, fake.Calls.Count(call => call == "cuStreamCreate"));
        device.TrimBuffers();
        Assert.All(fake.Alive, kind => Assert.Equal("module", kind));
        device.ReleaseRuntime();
        AssertClean(fake);
    }

    [Fact]
    public void Threads_DoNotShareBuffers()
    {
        using FakeDriver fake = InterpretedGpu.Start(Device);
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var backend = new CudaAttentionBackend(device);
        Parallel.For(0, 4, seed =>
        {
            var operands = new Operands(new AttentionShape(1, 1, 6, 8, 32, 32), TensorLayout.HeadTokenDimension, seed);
            Operands.AssertSameBits(operands.Run(CpuAttentionBackend.Instance, new BinaryAttentionOptions(), wantsLogSumExp: false).Output, operands.Run(backend, new BinaryAttentionOptions(), wantsLogSumExp: false).Output);
        });
        device.ReleaseRuntime();
        AssertClean(fake);
    }

    /// <summary>Whatever fails on the way: the exception names the call, nothing leaks, and the next call works.</summary>
    [Fact]
    public void FailingCall_LeavesAWorkingDevice()
    {
        using FakeDriver fake = FakeDriver.Start(Device);
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var backend = new CudaAttentionBackend(device);
        var operands = new Operands(new AttentionShape(1, 1, 4, 4, 32, 32) { QueryTokenStride = 40 }, TensorLayout.HeadTokenDimension, 1);
        foreach ((string call, int after) in new[]
        {
            ("cuDevicePrimaryCtxRetain", 0), ("cuModuleLoadDataEx", 0), ("cuModuleLoadDataEx", 3), ("cuStreamCreate", 0), ("cuMemAlloc_v2", 0), ("cuMemHostAlloc", 0),
            ("cuMemcpyHtoDAsync_v2", 2), ("cuLaunchKernel", 0), ("cuLaunchKernel", 7), ("cuMemcpyDtoHAsync_v2", 0), ("cuStreamSynchronize", 0),
        })
        {
            fake.Fail(call, 719, after);
            Assert.Equal(call, Assert.Throws<CudaException>(() => operands.Run(backend, new BinaryAttentionOptions())).Call);
            Assert.Equal(0, fake.PushedContexts);
            Assert.DoesNotContain("memory", fake.Alive, StringComparer.Ordinal);
            Assert.DoesNotContain("stream", fake.Alive, StringComparer.Ordinal);
        }

        operands.Run(backend, new BinaryAttentionOptions());
        device.ReleaseRuntime();
        AssertClean(fake);
    }

    [Fact]
    public void Cancellation_IsSeenBeforeTheDeviceIsTouched()
    {
        using FakeDriver fake = FakeDriver.Start(Device);
        var backend = new CudaAttentionBackend(CudaDiscovery.Of(fake.Table(), null).Default);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => backend.BinaryScaledDotProduct(new float[32], new float[32], new float[32], new float[32], new AttentionShape(1, 1, 1, 1, 32, 32), cancellationToken: cancelled.Token));
        Assert.Equal(0, fake.RetainedContexts);
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(expected[i].Equals(actual[i]) || Math.Abs(expected[i] - actual[i]) <= 1e-5f * Math.Max(1, Math.Abs(expected[i])), $"log-sum-exp {i}: {actual[i]} instead of {expected[i]}");
        }
    }

    private static void AssertClean(FakeDriver fake)
    {
        Assert.Empty(fake.Faults);
        Assert.Empty(fake.Alive);
        Assert.Equal(0, fake.RetainedContexts);
        Assert.Equal(0, fake.PushedContexts);
    }
}
