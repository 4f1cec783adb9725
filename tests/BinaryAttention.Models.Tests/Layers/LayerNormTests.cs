using BinaryAttention.Models.Layers;
using Xunit;

namespace BinaryAttention.Models.Tests.Layers;

public sealed class LayerNormTests
{
    [Theory]
    [InlineData(1, 1, 0f)]
    [InlineData(3, 7, 0f)]
    [InlineData(2, 16, 10f)]
    [InlineData(65, 33, -100f)]
    [InlineData(197, 192, 3f)]
    public void Matches_Double(int rows, int width, float offset)
    {
        float[] x = [.. RandomValues.Uniform(1, rows * width).Select(value => value + offset)];
        float[] weight = RandomValues.Uniform(2, width), bias = RandomValues.Uniform(3, width);
        var y = new float[x.Length];
        new LayerNorm(weight, bias, 1e-6f).Forward(x, y, rows);
        for (int row = 0; row < rows; row++)
        {
            double[] values = [.. x.AsSpan(row * width, width).ToArray().Select(static value => (double)value)];
            double mean = values.Average(), variance = values.Select(value => (value - mean) * (value - mean)).Average();
            for (int i = 0; i < width; i++)
            {
                double expected = ((values[i] - mean) / Math.Sqrt(variance + 1e-6f) * weight[i]) + bias[i];
                Assert.Equal(expected, y[(row * width) + i], 3e-6);
            }
        }
    }

    [Fact]
    public void ConstantRow_GivesBiasExactly()
    {
        float[] bias = RandomValues.Uniform(4, 37), x = new float[37], y = new float[37];
        Array.Fill(x, 1234.567f);
        new LayerNorm(RandomValues.Uniform(5, 37), bias, 1e-12f).Forward(x, y, 1);
        Assert.Equal(bias, y);
    }

    [Fact]
    public void SameBits_HoweverTheRowsAreCut_AndInPlace()
    {
        const int rows = 300, width = 50;
        float[] x = RandomValues.Uniform(6, rows * width), one = new float[x.Length], pieces = new float[x.Length];
        var norm = new LayerNorm(RandomValues.Uniform(7, width), RandomValues.Uniform(8, width), 1e-6f);
        norm.Forward(x, one, rows);
        for (int first = 0; first < rows; first += 30)
        {
            norm.Forward(x.AsSpan(first * width), pieces.AsSpan(first * width), 30);
        }

        norm.Forward(x, x, rows);
        Assert.Equal(one, pieces);
        Assert.Equal(one, x);
    }

    [Fact]
    public void NaN_SpoilsItsOwnRowOnly()
    {
        float[] x = RandomValues.Uniform(9, 40), y = new float[40];
        x[3] = float.NaN;
        new LayerNorm([.. Enumerable.Repeat(1f, 20)], new float[20], 1e-6f).Forward(x, y, 2);
        Assert.All(y[..20], static value => Assert.True(float.IsNaN(value)));
        Assert.All(y[20..], static value => Assert.False(float.IsNaN(value)));
    }
}
