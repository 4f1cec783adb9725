// The gradients derived by hand against central differences of the same loss in double.
using BinaryAttention.Models.Calibration;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

public sealed class CodeGradientTests
{
    private const int Dimension = 8, Width = 12, Tokens = 7;

    [Theory]
    [InlineData(false, 0, 1, false)]
    [InlineData(true, 0, 1, false)]
    [InlineData(false, 2, 2, false)]
    [InlineData(false, 2, 1, true)]
    [InlineData(true, 3, 1, true)]
    public void Matches_FiniteDifferences(bool weightsKeys, int rank, int lengthFactor, bool isFolded)
    {
        HeadProjections projections = RandomHead.Projections(Dimension, Width);
        HeadActivations head = RandomHead.Create(3, Tokens, Dimension, Width, projections);
        float[] rowWeights = [5, 1, 1, 0, 1];
        var options = new CalibrationOptions { Rank = rank, CodeLengthFactor = lengthFactor, KeyWeights = weightsKeys ? KeyWeights.PerToken : KeyWeights.PerHead };
        HeadCode code = ClosedForm.Create(head, options, rowWeights, 5);
        if (isFolded)
        {
            code = code.FoldIn(projections.Query, projections.QueryBias, projections.Key, projections.KeyBias);
        }

        var gradient = new CodeGradient(code, head, rowWeights);
        double loss = gradient.Add(code, 1, 1, smooth: true);
        var smooth = new SmoothLoss(head, rowWeights);
        double[]? means = weightsKeys ? null : smooth.KeyMeans(code, 1);
        Assert.Equal(smooth.Of(code, 1), loss, 1e-4);

        float[][] tensors = code.Tensors(), sums = gradient.Sums.Tensors();
        for (int tensor = 0; tensor < tensors.Length; tensor++)
        {
            Check(tensors[tensor], sums[tensor], () => smooth.Of(code, 1, means), $"tensor {tensor}");
        }

        const double step = 1e-4;
        double slope = (smooth.Of(code, 1, code.Temperature + step, means) - smooth.Of(code, 1, code.Temperature - step, means)) / (2 * step);
        Assert.Equal(slope, gradient.Sums.Temperature, 1e-3 * Math.Max(1e-2, Math.Abs(slope)));
    }

    // Padding and what stands for nothing has gradient 0 and changes nothing.
    private static void Check(float[] values, float[] gradient, Func<double> loss, string name)
    {
        double largest = gradient.Select(Math.Abs).DefaultIfEmpty(0).Max();
        for (int i = 0; i < values.Length; i += Math.Max(1, values.Length / 60))
        {
            float value = values[i], step = 2e-4f * Math.Max(0.1f, Math.Abs(value));
            values[i] = value + step;
            float above = values[i];
            double up = loss();
            values[i] = value - step;
            double down = loss(), slope = (up - down) / ((double)above - values[i]);
            values[i] = value;
            Assert.True(Math.Abs(slope - gradient[i]) <= (5e-3 * largest) + 1e-6, $"{name}[{i}]: gradient {gradient[i]}, finite difference {slope}, largest {largest}");
        }
    }
}
