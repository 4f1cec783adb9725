using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using TestKit.Cuda;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Driver;

public sealed class DiscoveryTests
{
    private static readonly FakeDevice Ampere = new("Fake A100", 8, 0) { MemoryBytes = 40L << 30, MultiprocessorCount = 108 };

    [Fact]
    public void ThisMachine_IsAskedWithoutAnException()
    {
        CudaDiscovery discovery = CudaDiscovery.Current;
        Assert.Equal(discovery.WhyNot is null, CudaDevice.IsSupported);
        Assert.Equal(discovery.WhyNot, CudaDevice.WhyNotSupported);
        Assert.Same(discovery.Devices, CudaDevice.All);
        Assert.True(CudaDevice.IsSupported || CudaDevice.WhyNotSupported!.Length > 0);
    }

    [Fact]
    public void NoDriver_IsAReason()
    {
        var discovery = CudaDiscovery.Of(null, "no library");
        Assert.Empty(discovery.Devices);
        Assert.Equal("no library", discovery.WhyNot);
        Assert.Equal(0, discovery.DriverVersion);
        Assert.Contains("no library", Assert.Throws<NotSupportedException>(() => discovery.Default).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OldDriver_WithoutACall_IsAReason()
    {
        using FakeDriver fake = FakeDriver.Start(Ampere);
        fake.Remove("cuGraphInstantiateWithFlags");
        fake.Remove("cuMemsetD8Async");
        var discovery = CudaDiscovery.Of(fake.Table(), null);
        Assert.Contains("has no cuMemsetD8Async (and 1 other calls)", discovery.WhyNot, StringComparison.Ordinal);
        Assert.Contains("update the driver", discovery.WhyNot, StringComparison.Ordinal);
        Assert.Empty(fake.Calls);
    }

    [Fact]
    public void OldDriver_ByVersion_IsAReason()
    {
        using FakeDriver fake = FakeDriver.Start(Ampere);
        fake.Version = 11_020;
        var discovery = CudaDiscovery.Of(fake.Table(), null);
        Assert.Contains("supports CUDA 11.2; at least 11.4 is needed", discovery.WhyNot, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cuInit", 100, "CUDA_VISIBLE_DEVICES")]
    [InlineData("cuInit", 803, "restart the machine")]
    [InlineData("cuDriverGetVersion", 3, "cuDriverGetVersion failed")]
    [InlineData("cuDeviceGetCount", 999, "cuDeviceGetCount failed")]
    public void FailingStart_IsAReasonWithItsRemedy(string call, int code, string words)
    {
        using FakeDriver fake = FakeDriver.Start(Ampere);
        fake.Fail(call, code);
        var discovery = CudaDiscovery.Of(fake.Table(), null);
        Assert.Empty(discovery.Devices);
        Assert.Contains(words, discovery.WhyNot, StringComparison.Ordinal);
        Assert.Contains($"({code})", discovery.WhyNot, StringComparison.Ordinal);
    }

    [Fact]
    public void NoDevice_IsAReason()
    {
        using FakeDriver fake = FakeDriver.Start();
        Assert.Equal("the driver sees no GPU", CudaDiscovery.Of(fake.Table(), null).WhyNot);
    }

    [Fact]
    public void Device_IsDescribed()
    {
        using FakeDriver fake = FakeDriver.Start(Ampere);
        var discovery = CudaDiscovery.Of(fake.Table(), null);
        CudaDevice device = Assert.Single(discovery.Devices);
        Assert.Null(discovery.WhyNot);
        Assert.Same(device, discovery.Default);
        Assert.Equal(12_040, discovery.DriverVersion);
        Assert.Equal("Fake A100, compute capability 8.0, 40960 MiB", device.ToString());
        Assert.Equal(108, device.MultiprocessorCount);
        Assert.Equal(160 * 1024, device.SharedMemoryPerBlockBytes);
        Assert.Equal("10101010-1010-1010-1010-101010101010", device.Uuid.ToString());
        Assert.True(device.IsUsable);
        Assert.Equal(0, fake.RetainedContexts);
    }

    [Theory]
    [InlineData(7, 0, 0, "compute capability 7.0")]
    [InlineData(6, 1, 0, "compute capability 6.1")]
    [InlineData(8, 0, 2, "Prohibited")]
    public void UnusableDevice_SaysWhy_AndIsNeverTheDefault(int major, int minor, int computeMode, string words)
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", major, minor) { ComputeMode = computeMode }, new FakeDevice("Other", 9, 0));
        var discovery = CudaDiscovery.Of(fake.Table(), null);
        Assert.False(discovery.Devices[0].IsUsable);
        Assert.Contains(words, discovery.Devices[0].WhyNot, StringComparison.Ordinal);
        Assert.Equal("Other", discovery.Default.Name);
        Assert.Contains(words, Assert.Throws<NotSupportedException>(() => new CudaAttentionBackend(discovery.Devices[0])).Message, StringComparison.Ordinal);
        Assert.Contains(words, Assert.Throws<NotSupportedException>(() => CudaAttentionPlan.Create(discovery.Devices[0], new AttentionShape(1, 1, 4, 4, 64, 64))).Message, StringComparison.Ordinal);
        Assert.Equal(0, fake.RetainedContexts);
    }

    [Fact]
    public void OnlyUnusableDevices_AreNamedInTheReason()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Old", 7, 0), new FakeDevice("Older", 6, 1));
        var discovery = CudaDiscovery.Of(fake.Table(), null);
        Assert.Contains("Old: compute capability 7.0", discovery.WhyNot, StringComparison.Ordinal);
        Assert.Contains("Older: compute capability 6.1", discovery.WhyNot, StringComparison.Ordinal);
        Assert.All(discovery.Devices, static device => Assert.Null(device.SignProduct));
    }

    [Theory]
    [InlineData(7, 5, "xor-popcount")]
    [InlineData(9, 0, "one-bit and-popcount")]
    [InlineData(10, 0, "8-bit products of signs: compute capability 10.0 has no one-bit matrix product")]
    [InlineData(12, 1, "8-bit products of signs: compute capability 12.1 has no one-bit matrix product")]
    public void Device_SaysHowItMultipliesSigns(int major, int minor, string words)
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", major, minor));
        Assert.Contains(words, CudaDiscovery.Of(fake.Table(), null).Default.SignProduct, StringComparison.Ordinal);
    }

    [Fact]
    public void FailingDevice_LeavesTheOthers()
    {
        using FakeDriver fake = FakeDriver.Start(Ampere, Ampere with { Name = "Second" });
        fake.Fail("cuDeviceTotalMem_v2", 46);
        var discovery = CudaDiscovery.Of(fake.Table(), null);
        Assert.Contains("cuDeviceTotalMem_v2 failed", discovery.Devices[0].WhyNot, StringComparison.Ordinal);
        Assert.Contains("holds the device exclusively", discovery.Devices[0].WhyNot, StringComparison.Ordinal);
        Assert.Equal("Second", discovery.Default.Name);
    }
}
