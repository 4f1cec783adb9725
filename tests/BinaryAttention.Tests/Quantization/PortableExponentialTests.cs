// The exponential of the numerator tables: accuracy against the C library's, and the ends of its range. That a GPU's operations give the same bits is tested with the CUDA kernels.
using System.Globalization;
using BinaryAttention.Quantization;
using Xunit;

namespace BinaryAttention.Tests.Quantization;

public sealed class PortableExponentialTests
{
    [Fact]
    public void Is_WithinTwoUnits_OfTheLibrary()
    {
        var random = new Random(1);
        for (int i = 0; i < 200_000; i++)
        {
            double x = -(i % 3) switch { 0 => random.NextDouble(), 1 => random.NextDouble() * 40, _ => random.NextDouble() * 700 };
            double expected = Math.Exp(x);
            double error = Math.Abs(PortableExponential.Exp(x) - expected) / (Math.BitIncrement(expected) - expected);
            Assert.True(error <= 2, string.Create(CultureInfo.InvariantCulture, $"exp({x:R}) is {error} units off"));
        }
    }

    [Fact]
    public void Is_Exact_AtTheEnds()
    {
        Assert.Equal(1.0, PortableExponential.Exp(0));
        Assert.Equal(1.0, PortableExponential.Exp(-0.0));
        Assert.Equal(1.0, PortableExponential.Exp(-double.Epsilon));
        Assert.True(PortableExponential.Exp(-700) > 0);
        Assert.Equal(0.0, PortableExponential.Exp(-700.0001));
        Assert.Equal(0.0, PortableExponential.Exp(double.NegativeInfinity));
        Assert.Equal(0.0, PortableExponential.Exp(double.NaN));
    }
}
