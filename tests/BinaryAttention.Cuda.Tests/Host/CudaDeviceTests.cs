using Xunit;

namespace BinaryAttention.Cuda.Tests.Host;

public sealed class CudaDeviceTests
{
    [Fact]
    public void IsSupported_NeverThrows() => Assert.IsType<bool>(CudaDevice.IsSupported);
}
