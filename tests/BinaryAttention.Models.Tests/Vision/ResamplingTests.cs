using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class ResamplingTests
{
    [Theory]
    [InlineData(PositionResize.Bicubic)]
    [InlineData(PositionResize.Bilinear)]
    public void SameSize_IsIdentity_AndConstants_Stay(PositionResize filter)
    {
        float[] grid = RandomValues.Uniform(1, 5 * 7 * 3);
        Assert.Equal(grid, PositionEmbeddingResampling.Resize(grid, 5, 7, 5, 7, 3, filter));
        float[] constant = [.. Enumerable.Repeat(2.5f, 5 * 7)];
        Assert.All(PositionEmbeddingResampling.Resize(constant, 5, 7, 11, 3, 1, filter), static value => Assert.Equal(2.5f, value));
    }

    [Fact]
    public void Bilinear_OfTwoPoints_IsTheLineBetween()
    {
        // Coordinates (i + 1/2) / 2 - 1/2 = -1/4, 1/4, 3/4, 5/4, clamped to the two points.
        Assert.Equal([0, 0.25f, 0.75f, 1], PositionEmbeddingResampling.Resize([0, 1], 1, 2, 1, 4, 1, PositionResize.Bilinear));
    }

    [Fact]
    public void Spline_ReproducesCubics()
    {
        double[] positions = [-5, -2.5, -1, 0, 1, 2.5, 5], targets = [-5, -3, -0.3, 0, 1.7, 4, 5, 9];
        static double Cubic(double x) => ((((0.3 * x) - 1) * x) + 2) * x - 4;
        double[] matrix = NotAKnotSpline.Matrix(positions, targets);
        for (int t = 0; t < targets.Length; t++)
        {
            double value = positions.Select((position, i) => matrix[(t * positions.Length) + i] * Cubic(position)).Sum();
            Assert.Equal(Cubic(Math.Min(targets[t], 5)), value, 1e-10);
        }
    }

    [Fact]
    public void RelativeTable_KeepsClassRows_AndSameGrid()
    {
        float[] table = RandomValues.Uniform(2, ((7 * 7) + 3) * 2);
        Assert.Equal(table, RelativeTableResampling.Resize(table, 4, 4, 2));
        float[] larger = RelativeTableResampling.Resize(table, 4, 6, 2);
        Assert.Equal(((11 * 11) + 3) * 2, larger.Length);
        Assert.Equal(table[^6..], larger[^6..]);
        Assert.Throws<NotSupportedException>(() => RelativeTableResampling.Resize(new float[12], 2, 4, 1));
    }
}
