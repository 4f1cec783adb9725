using BinaryAttention.Models.Calibration;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

public sealed class MatrixToolsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(48)]
    [InlineData(64)]
    public void Rotations_AreOrthonormalAndFollowTheSeed(int size)
    {
        double[] rotation = RandomRotation.Create(size, 7);
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
            {
                double dot = Enumerable.Range(0, size).Sum(k => rotation[(i * size) + k] * rotation[(j * size) + k]);
                Assert.Equal(i == j ? 1 : 0, dot, 1e-12);
            }
        }

        Assert.Equal(rotation, RandomRotation.Create(size, 7));
        Assert.True(size == 1 || !rotation.SequenceEqual(RandomRotation.Create(size, 8)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(33)]
    public void SingularValues_GiveTheMatrixBack(int size)
    {
        double[] matrix = [.. RandomValues.Uniform(9, size * size).Select(static value => (double)value)];
        SingularValues values = SingularValues.Decompose(matrix, size);
        for (int i = 0; i < size; i++)
        {
            Assert.True(i == 0 || values.Values[i] <= values.Values[i - 1]);
            for (int j = 0; j < size; j++)
            {
                double entry = Enumerable.Range(0, size).Sum(k => values.Left[(i * size) + k] * values.Values[k] * values.Right[(j * size) + k]);
                Assert.Equal(matrix[(i * size) + j], entry, 1e-12);
                Assert.Equal(i == j ? 1 : 0, Enumerable.Range(0, size).Sum(k => values.Right[(k * size) + i] * values.Right[(k * size) + j]), 1e-12);
            }
        }
    }

    [Fact]
    public void LowRankSplit_IsAProjectionThatTakesTheStrongestDirections()
    {
        const int size = 12, rank = 3;
        double[] query = Covariance(21), key = Covariance(22);
        LowRankSplit split = LowRankSplit.Create(query, key, size, rank);
        for (int r = 0; r < rank; r++)
        {
            for (int other = 0; other < rank; other++)
            {
                double dot = Enumerable.Range(0, size).Sum(i => split.KeyFactor[(i * rank) + r] * split.QueryFactor[(i * rank) + other]);
                Assert.Equal(r == other ? 1 : 0, dot, 1e-6);
            }
        }

        // E (q M k)^2 = trace(M^T Cq M Ck). Of all splits of this rank the least is left: the squares of the singular values of the whitened form behind the first three.
        double[] squares = [.. SingularValues.Decompose(Product(Transposed(Root(21)), Root(22)), size).Values.Select(static value => value * value)];
        Assert.Equal(1, Energy(null, null) / squares.Sum(), 1e-9);
        Assert.Equal(1, Energy(split.QueryFactor, split.KeyFactor) / squares[rank..].Sum(), 1e-6);

        double Energy(double[]? left, double[]? right)
        {
            var rest = new double[size * size];
            for (int i = 0; i < size * size; i++)
            {
                rest[i] = (i / size == i % size ? 1 : 0) - (left is null ? 0 : Enumerable.Range(0, rank).Sum(r => left[(i / size * rank) + r] * right![(i % size * rank) + r]));
            }

            double[] first = Product(Transposed(rest), Product(query, rest));
            return Enumerable.Range(0, size).Sum(i => Enumerable.Range(0, size).Sum(j => first[(i * size) + j] * key[(j * size) + i]));
        }

        static double[] Covariance(int seed) => Product(Root(seed), Transposed(Root(seed)));
        static double[] Root(int seed) => [.. RandomValues.Uniform(seed, size * size).Select(static value => (double)value)];

        static double[] Transposed(double[] matrix) => [.. Enumerable.Range(0, size * size).Select(i => matrix[(i % size * size) + (i / size)])];
        static double[] Product(double[] left, double[] right) => [.. Enumerable.Range(0, size * size).Select(i => Enumerable.Range(0, size).Sum(k => left[(i / size * size) + k] * right[(k * size) + (i % size)]))];
    }
}
