using BinaryAttention.Models.LinearAlgebra;
using Xunit;

namespace BinaryAttention.Models.Tests.LinearAlgebra;

public sealed unsafe class EightBitProductTests
{
    private static readonly int[] Sizes = [1, 3, 5, 6, 7, 15, 16, 17, 31, 33, 63, 64, 65, 192];

    private static IEnumerable<EightBitKernel> Kernels => Enum.GetValues<EightBitKernel>().Where(EightBitKernels.IsSupported);

    public static TheoryData<int, int, int> AwkwardSizes()
    {
        var data = new TheoryData<int, int, int>();
        for (int i = 0; i < Sizes.Length; i++)
        {
            for (int j = 0; j < Sizes.Length; j += 2)
            {
                data.Add(Sizes[i], Sizes[(i + j) % Sizes.Length], Sizes[((5 * i) + (3 * j) + 1) % Sizes.Length]);
            }
        }

        data.Add(197, 70, 768);
        data.Add(13, 1000, 3072);
        return data;
    }

    [Theory]
    [MemberData(nameof(AwkwardSizes))]
    public void EveryKernel_MatchesThePlainFormulas_WithTheSameBits(int rows, int outputs, int inputs)
    {
        float[] x = RandomValues.Uniform(1, rows * inputs), weights = RandomValues.Uniform(2, outputs * inputs), bias = RandomValues.Uniform(3, outputs);
        (double[] expected, double[] magnitudes) = PlainEightBitLayer.Compute(x, weights, bias, rows, outputs, inputs);
        float[]? first = null;
        foreach (EightBitKernel kernel in Kernels)
        {
            float[] y = Multiply(x, weights, bias, rows, outputs, inputs, kernel, MatrixEpilogue.None);
            for (int i = 0; i < y.Length; i++)
            {
                // The integers are exact; five roundings of at most half an ulp follow.
                Assert.True(Math.Abs(y[i] - expected[i]) <= 5 * magnitudes[i] * Math.Pow(2, -24), $"{kernel}, element {i}: {y[i]} instead of {expected[i]}");
            }

            first ??= y;
            Assert.Equal(first, y);
        }
    }

    [Fact]
    public void LargestSums_AreExact()
    {
        // Every product has the largest magnitude; pairs of them overflow 16 bits.
        const int inputs = 4096;
        float[] weights = new float[3 * inputs], x = new float[inputs];
        Array.Fill(weights, 127f, 0, inputs);
        Array.Fill(weights, -127f, inputs, inputs);
        Array.Fill(x, 255f);
        x[0] = 0;
        foreach (EightBitKernel kernel in Kernels)
        {
            Assert.Equal([255f * 127 * (inputs - 1), -255f * 127 * (inputs - 1), 0], Multiply(x, weights, new float[3], 1, 3, inputs, kernel, MatrixEpilogue.None));
        }
    }

    [Fact]
    public void SameBits_HoweverTheRowsAreCut()
    {
        const int rows = 29, outputs = 70, inputs = 45;
        float[] x = RandomValues.Uniform(4, rows * inputs), weights = RandomValues.Uniform(5, outputs * inputs), bias = RandomValues.Uniform(6, outputs);
        foreach (EightBitKernel kernel in Kernels)
        {
            float[] all = Multiply(x, weights, bias, rows, outputs, inputs, kernel, MatrixEpilogue.Gelu);
            for (int row = 0; row < rows; row++)
            {
                Assert.Equal(all[(row * outputs)..((row + 1) * outputs)], Multiply(x[(row * inputs)..((row + 1) * inputs)], weights, bias, 1, outputs, inputs, kernel, MatrixEpilogue.Gelu));
            }
        }
    }

    [Fact]
    public void Epilogues_AddAndActivate()
    {
        const int rows = 8, outputs = 37, inputs = 19;
        float[] x = RandomValues.Uniform(8, rows * inputs), weights = RandomValues.Uniform(9, outputs * inputs), bias = RandomValues.Uniform(10, outputs), start = RandomValues.Uniform(11, rows * outputs);
        float[] plain = Multiply(x, weights, bias, rows, outputs, inputs, EightBitKernels.Preferred, MatrixEpilogue.None);
        float[] added = Multiply(x, weights, bias, rows, outputs, inputs, EightBitKernels.Preferred, MatrixEpilogue.Add, start);
        Assert.Equal(plain.Zip(start, static (product, before) => product + before), added);
        float[] gelu = [.. plain];
        BinaryAttention.Models.Layers.Gelu.Apply(gelu);
        Assert.Equal(gelu, Multiply(x, weights, bias, rows, outputs, inputs, EightBitKernels.Preferred, MatrixEpilogue.Gelu));
        Assert.Equal(Array.ConvertAll(plain, static value => Math.Max(value, 0)), Multiply(x, weights, bias, rows, outputs, inputs, EightBitKernels.Preferred, MatrixEpilogue.Relu));
    }

    [Fact]
    public void ConstantRows_AndZeroWeights_LoseNothing()
    {
        const int inputs = 33;
        float[] x = new float[2 * inputs], weights = new float[2 * inputs];
        Array.Fill(x, -3.5f, 0, inputs);
        Array.Fill(weights, 0.25f, 0, inputs);
        foreach (EightBitKernel kernel in Kernels)
        {
            float[] y = Multiply(x, weights, [1, 2], 2, 2, inputs, kernel, MatrixEpilogue.None);
            Assert.Equal((-3.5 * 0.25 * inputs) + 1, y[0], 1e-4);
            Assert.Equal([2f, 1f, 2f], y[1..]);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void NonFinite_SpoilsItsOwnRowOrOutput_Only(float bad)
    {
        const int rows = 9, outputs = 20, inputs = 70;
        foreach (int place in new[] { 0, 31, 69 })
        {
            float[] x = RandomValues.Uniform(12, rows * inputs), weights = RandomValues.Uniform(13, outputs * inputs);
            x[(4 * inputs) + place] = bad;
            foreach (MatrixEpilogue epilogue in Enum.GetValues<MatrixEpilogue>())
            {
                float[] y = Multiply(x, weights, new float[outputs], rows, outputs, inputs, EightBitKernels.Preferred, epilogue);
                for (int i = 0; i < y.Length; i++)
                {
                    Assert.Equal(i / outputs == 4, float.IsNaN(y[i]));
                }
            }

            x[(4 * inputs) + place] = 0;
            weights[(7 * inputs) + place] = bad;
            float[] spoiled = Multiply(x, weights, new float[outputs], rows, outputs, inputs, EightBitKernels.Preferred, MatrixEpilogue.None);
            for (int i = 0; i < spoiled.Length; i++)
            {
                Assert.Equal(i % outputs == 7, float.IsNaN(spoiled[i]));
            }
        }
    }

    [Fact]
    public void HugeAndTinyRows_StayNumbers()
    {
        float[] x = [1.5e38f, -1.5e38f, 0, 1e-44f, 0, 1e-44f, 1e-38f, 2e-38f, 3e-38f];
        float[] y = Multiply(x, [1, 0, 0, 0, 0, 0.5f], [0, 0], 3, 2, 3, EightBitKernels.Preferred, MatrixEpilogue.None);
        Assert.All(y, static value => Assert.True(float.IsFinite(value)));
        Assert.Equal(1.5e38, y[0], 3e36);
    }

    [Fact]
    public void WritesNothing_PastTheLastOutput()
    {
        float[] start = new float[(7 * 33) + 64];
        Array.Fill(start, 42);
        foreach (EightBitKernel kernel in Kernels)
        {
            float[] y = Multiply(RandomValues.Uniform(14, 7 * 3), RandomValues.Uniform(15, 33 * 3), new float[33], 7, 33, 3, kernel, MatrixEpilogue.None, start);
            Assert.All(y[(7 * 33)..], static value => Assert.Equal(42, value));
        }
    }

    [Fact]
    public void TooManyInputs_AreRefused()
    {
        int inputs = EightBitMatrix.LargestInputs + 1;
        Assert.Throws<NotSupportedException>(() => new EightBitMatrix(new PackedMatrix(new float[inputs], [], 1, inputs, 4), EightBitKernel.Short128));
    }

    private static float[] Multiply(float[] x, float[] weights, float[] bias, int rows, int outputs, int inputs, EightBitKernel kernel, MatrixEpilogue epilogue, float[]? start = null)
    {
        float[] y = start is null ? new float[rows * outputs] : [.. start];
        var packed = new EightBitMatrix(new PackedMatrix(weights, bias, outputs, inputs, PackedMatrix.PreferredLanes), kernel);

        // SAFETY: both arrays have at least the rows that are asked for.
        fixed (float* input = x, output = y)
        {
            EightBitProduct.Multiply(input, packed, output, rows, epilogue, new EightBitRows());
        }

        return y;
    }
}
