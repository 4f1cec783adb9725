using BinaryAttention.Models.LinearAlgebra;
using Xunit;

namespace BinaryAttention.Models.Tests.LinearAlgebra;

public sealed class MatrixProductTests
{
    private static readonly int[] Sizes = [1, 5, 6, 7, 31, 32, 33, 65, 192];

    public static TheoryData<int, int, int> AwkwardSizes()
    {
        var data = new TheoryData<int, int, int>();
        foreach (int rows in Sizes)
        {
            foreach (int outputs in Sizes)
            {
                data.Add(rows, outputs, Sizes[((rows * 7) + outputs) % Sizes.Length]);
            }
        }

        data.Add(577, 33, 65);
        data.Add(199, 577, 577);
        return data;
    }

    [Theory]
    [MemberData(nameof(AwkwardSizes))]
    public void Matches_DoubleLoops(int rows, int outputs, int inputs)
    {
        float[] x = RandomValues.Uniform(1, rows * inputs), weights = RandomValues.Uniform(2, outputs * inputs), bias = RandomValues.Uniform(3, outputs);
        foreach (int lanes in new[] { 4, 8, 16 })
        {
            var y = new float[rows * outputs];
            MatrixProduct.Multiply(x, new PackedMatrix(weights, bias, outputs, inputs, lanes), y, rows, MatrixEpilogue.None);
            for (int i = 0; i < y.Length; i++)
            {
                double expected = bias[i % outputs], magnitude = Math.Abs(expected);
                for (int k = 0; k < inputs; k++)
                {
                    double term = (double)x[(i / outputs * inputs) + k] * weights[(i % outputs * inputs) + k];
                    expected += term;
                    magnitude += Math.Abs(term);
                }

                // One rounding a step, each at most half an ulp (2^-24) of a partial sum that is at most the sum of magnitudes.
                Assert.True(Math.Abs(y[i] - expected) <= (inputs + 1) * magnitude * Math.Pow(2, -24), $"lanes {lanes}, element {i}: {y[i]} instead of {expected}");
            }
        }
    }

    [Theory]
    [InlineData(197, 576, 192)]
    [InlineData(7, 33, 65)]
    [InlineData(1, 1000, 192)]
    [InlineData(577, 31, 5)]
    public void SameBits_HoweverTheRowsAreCut(int rows, int outputs, int inputs)
    {
        float[] x = RandomValues.Uniform(4, rows * inputs), start = RandomValues.Uniform(5, rows * outputs);
        var weights = new PackedMatrix(RandomValues.Uniform(6, outputs * inputs), RandomValues.Uniform(7, outputs), outputs, inputs, PackedMatrix.PreferredLanes);
        foreach (MatrixEpilogue epilogue in Enum.GetValues<MatrixEpilogue>())
        {
            float[] one = [.. start];
            MatrixProduct.Multiply(x, weights, one, rows, epilogue);
            foreach (int block in new[] { 1, 6, 10 })
            {
                float[] many = [.. start];
                for (int first = 0; first < rows; first += block)
                {
                    MatrixProduct.Multiply(x.AsSpan(first * inputs), weights, many.AsSpan(first * outputs), Math.Min(block, rows - first), epilogue);
                }

                Assert.Equal(one, many);
            }

            float[] last = start[^outputs..];
            MatrixProduct.Multiply(x.AsSpan((rows - 1) * inputs), weights, last, 1, epilogue);
            Assert.Equal(one[^outputs..], last);
        }
    }

    [Fact]
    public void Epilogues_AddAndActivate()
    {
        const int rows = 8, outputs = 37, inputs = 19;
        float[] x = RandomValues.Uniform(8, rows * inputs), start = RandomValues.Uniform(9, rows * outputs);
        var weights = new PackedMatrix(RandomValues.Uniform(10, outputs * inputs), [], outputs, inputs, PackedMatrix.PreferredLanes);
        float[] plain = new float[rows * outputs], added = [.. start], activated = new float[rows * outputs];
        MatrixProduct.Multiply(x, weights, plain, rows, MatrixEpilogue.None);
        MatrixProduct.Multiply(x, weights, added, rows, MatrixEpilogue.Add);
        MatrixProduct.Multiply(x, weights, activated, rows, MatrixEpilogue.Gelu);
        float[] expected = [.. plain];
        BinaryAttention.Models.Layers.Gelu.Apply(expected);
        Assert.Equal(expected, activated);
        MatrixProduct.Multiply(x, weights, activated, rows, MatrixEpilogue.Relu);
        Assert.Equal(Array.ConvertAll(plain, static value => Math.Max(value, 0)), activated);
        for (int i = 0; i < plain.Length; i++)
        {
            Assert.Equal(plain[i] + start[i], added[i]);
        }

        // A NaN is not turned into a plain 0.
        x[inputs + 3] = float.NaN;
        MatrixProduct.Multiply(x, weights, activated, rows, MatrixEpilogue.Relu);
        Assert.All(activated[outputs..(2 * outputs)], static value => Assert.True(float.IsNaN(value)));
        Assert.All(activated[..outputs], static value => Assert.True(value >= 0));
    }

    [Fact]
    public void WritesNothing_PastTheLastOutput()
    {
        const int rows = 7, outputs = 33, inputs = 3;
        var y = new float[(rows * outputs) + 64];
        Array.Fill(y, 42);
        MatrixProduct.Multiply(RandomValues.Uniform(11, rows * inputs), new PackedMatrix(RandomValues.Uniform(12, outputs * inputs), [], outputs, inputs, PackedMatrix.PreferredLanes), y, rows, MatrixEpilogue.None);
        Assert.All(y[(rows * outputs)..], static value => Assert.Equal(42, value));
    }

    [Fact]
    public void Rejects_ShortOperands()
    {
        var weights = new PackedMatrix(new float[6], [], 2, 3, 4);
        Assert.Throws<ArgumentException>("x", () => MatrixProduct.Multiply(new float[5], weights, new float[4], 2, MatrixEpilogue.None));
        Assert.Throws<ArgumentException>("y", () => MatrixProduct.Multiply(new float[6], weights, new float[3], 2, MatrixEpilogue.None));
        Assert.Throws<ArgumentException>("weights", () => new PackedMatrix(new float[5], [], 2, 3, 4));
        Assert.Throws<ArgumentException>("bias", () => new PackedMatrix(new float[6], new float[3], 2, 3, 4));
    }
}
