using BinaryAttention.Models.Layers;
using TestKit.Numerics;
using Xunit;

namespace BinaryAttention.Models.Tests.Layers;

public sealed class GeluTests
{
    [Fact]
    public void Matches_DoubleErf_FromMinusTwelveToTwelve()
    {
        float[] x = [.. Enumerable.Range(-96_000, 192_001).Select(static i => i / 8000f)];
        float[] y = [.. x];
        Gelu.Apply(y);
        for (int i = 0; i < x.Length; i++)
        {
            // 1e-7 from the approximation and its arithmetic, half an ulp from rounding the result.
            double expected = x[i] * NormalDistribution.Below(x[i]);
            double tolerance = 1e-7 + (Math.Abs(expected) * Math.Pow(2, -24));
            Assert.True(Math.Abs(y[i] - expected) <= tolerance, $"gelu({x[i]}) = {y[i]}, expected {expected}");
        }
    }

    [Fact]
    public void Keeps_SpecialValues()
    {
        float[] values = [0, -0f, 100, -100, 1e30f, -1e30f, float.PositiveInfinity, float.NaN];
        Gelu.Apply(values);
        Assert.Equal([0, 0, 100], values[..3]);
        Assert.Equal(0, values[3], 1e-12f);
        Assert.Equal(1e30f, values[4]);
        Assert.Equal(0, values[5], 1e-12f);
        Assert.Equal(float.PositiveInfinity, values[6]);
        Assert.True(float.IsNaN(values[7]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(33)]
    public void SameBits_AtAnyPosition(int length)
    {
        float[] x = RandomValues.Uniform(1, length, 4), together = [.. x];
        Gelu.Apply(together);
        for (int i = 0; i < length; i++)
        {
            float[] alone = [x[i]];
            Gelu.Apply(alone);
            Assert.Equal(alone[0], together[i]);
        }
    }
}
