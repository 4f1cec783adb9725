// The two 8-bit modes against the formulas and against their error bounds for Gaussian data.
using Xunit;
using static BinaryAttention.Tests.Reference.ReferenceForwardTests;

namespace BinaryAttention.Tests.Reference;

public sealed class ReferenceQuantizationTests
{
    [Theory]
    [InlineData(197, false)]
    [InlineData(577, false)]
    [InlineData(197, true)]
    public void Tiled_StaysWithinItsErrorBound(int tokens, bool hasBias)
    {
        var shape = new AttentionShape(1, 1, tokens, tokens, 64, 64);
        (float[] query, float[] key, float[] value) = Operands(shape);
        AttentionBias? bias = hasBias ? AttentionBias.PerKey(GaussianData.Make(tokens, 9), 1, 1, tokens) : null;
        (float[] full, float[] fullLogSumExp) = Binary(query, key, value, shape, new() { Quantization = ValueQuantization.Full, Bias = bias });
        (float[] tiled, float[] tiledLogSumExp) = Binary(query, key, value, shape, new() { Bias = bias });
        Assert.InRange(RelativeError(full, tiled), 1e-4, 0.012);
        for (int row = 0; row < tokens; row++)
        {
            Assert.Equal(fullLogSumExp[row], tiledLogSumExp[row], 1e-4f);
        }
    }

    [Fact]
    public void TrainingParity_LosesWhatTheDesignSaysItLoses()
    {
        // Flat attention over 197 tokens: about 0.17 of the output is lost to levels that are not renormalised.
        var shape = new AttentionShape(1, 1, 197, 197, 64, 64);
        (float[] query, float[] key, float[] value) = Operands(shape);
        (float[] full, _) = Binary(query, key, value, shape, new() { Quantization = ValueQuantization.Full });
        (float[] parity, _) = Binary(query, key, value, shape, new() { Quantization = ValueQuantization.TrainingParity });
        Assert.InRange(RelativeError(full, parity), 0.05, 0.3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TrainingParity_MatchesItsFormula(bool hasBias)
    {
        var shape = new AttentionShape(1, 1, 6, 9, 16, 4);
        (float[] query, float[] key, float[] value) = Operands(shape);
        float[] biasValues = hasBias ? GaussianData.Make(9, 21) : new float[9];
        (float[] output, _) = Binary(query, key, value, shape, new()
        {
            Quantization = ValueQuantization.TrainingParity,
            Bias = hasBias ? AttentionBias.PerKey(biasValues, 1, 1, 9) : null,
        });
        NaiveProblem problem = Naive(query, key, value, shape) with { Bias = Doubles(biasValues), BiasIndex = static (_, _, _, j) => j };
        (_, double[] logSumExp) = problem.Attend();
        double queryMean = Doubles(query).Average(Math.Abs);
        double keyMean = Doubles(key).Average(Math.Abs);
        var expected = new double[output.Length];
        for (int i = 0; i < 6; i++)
        {
            for (int j = 0; j < 9; j++)
            {
                int dot = Enumerable.Range(0, 16).Sum(c => (query[(i * 16) + c] >= 0) == (key[(j * 16) + c] >= 0) ? 1 : -1);
                double probability = Math.Exp((queryMean * keyMean / 4 * dot) + biasValues[j] - logSumExp[i]);
                double level = Math.Round(255 * probability, MidpointRounding.ToEven);
                for (int c = 0; c < 4; c++)
                {
                    double maximum = Enumerable.Range(0, 9).Max(token => Math.Abs((double)value[(token * 4) + c]));
                    double scale = 127 / (maximum + 1e-6);
                    double quantized = Math.Round(value[(j * 4) + c] * scale, MidpointRounding.ToEven) / (scale + 1e-6);
                    expected[(i * 4) + c] += level / 255 * quantized;
                }
            }
        }

        Close(expected, output, 1e-5);
    }

    [Fact]
    public void TableMode_AgreesWithLogMode()
    {
        // A bias of zeros changes the arithmetic and nothing else.
        var shape = new AttentionShape(1, 2, 40, 50, 24, 8);
        (float[] query, float[] key, float[] value) = Operands(shape);
        var zero = AttentionBias.PerKey(new float[50], 1, 1, 50);
        foreach (ValueQuantization quantization in Enum.GetValues<ValueQuantization>())
        {
            (float[] table, float[] tableLogSumExp) = Binary(query, key, value, shape, new() { Quantization = quantization });
            (float[] log, float[] logLogSumExp) = Binary(query, key, value, shape, new() { Quantization = quantization, Bias = zero });
            Close(Doubles(table), log, 1e-4);
            Close(Doubles(tableLogSumExp), logLogSumExp, 1e-4);
        }
    }

    [Fact]
    public void ConstantChannel_IsExactInTiled()
    {
        var shape = new AttentionShape(1, 1, 3, 4, 8, 2);
        (float[] query, float[] key, _) = Operands(shape);
        (float[] output, _) = Binary(query, key, [5f, 1f, 5f, 2f, 5f, -3f, 5f, 4f], shape, new());
        Assert.Equal([5f, 5f, 5f], new[] { output[0], output[2], output[4] });
    }

    private static double RelativeError(float[] expected, float[] actual)
    {
        double error = 0;
        double norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = (double)expected[i] - actual[i];
            error += difference * difference;
            norm += (double)expected[i] * expected[i];
        }

        return Math.Sqrt(error / norm);
    }
}
