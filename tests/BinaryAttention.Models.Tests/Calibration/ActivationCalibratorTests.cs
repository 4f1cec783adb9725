using BinaryAttention.Models.Calibration;
using BinaryAttention.Models.Metrics;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

public sealed class ActivationCalibratorTests
{
    private const int Images = 6, Heads = 2, Tokens = 32, Dimension = 32;

    [Fact]
    public void Fit_BringsTheMapsCloser()
    {
        // Queries and keys with a strong common mean, as pretrained models have: their signs as they are say next to nothing.
        float[] query = Shifted(1), key = Shifted(2), value = RandomValues.Uniform(3, query.Length);
        AttentionCalibration calibration = ActivationCalibrator.Fit(query, key, Images, Heads, Tokens, Dimension);
        var shape = new AttentionShape(Images, Heads, Tokens, Tokens, Dimension, Dimension);
        double naive = Divergence(new BinaryAttentionOptions { Weighting = SignWeighting.MeanMagnitudePerToken });
        double calibrated = Divergence(new BinaryAttentionOptions { Weighting = SignWeighting.MeanMagnitudePerToken, Calibration = calibration });
        Assert.True(calibrated < 0.5 * naive, $"KL {naive} -> {calibrated}");

        double Divergence(BinaryAttentionOptions options) => AttentionFidelity.Measure(query, key, value, shape, null, options).Average(static head => head.MapDivergence);
    }

    [Fact]
    public void Rejects_BadInput()
    {
        Assert.Contains("at least 4", Assert.Throws<ArgumentException>(static () => ActivationCalibrator.Fit([], [], 3, 1, 1, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("query has 5", Assert.Throws<ArgumentException>(static () => ActivationCalibrator.Fit(new float[5], new float[8], 4, 1, 2, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("finite", Assert.Throws<ArgumentException>(static () => ActivationCalibrator.Fit(new float[8], [float.NaN, 0, 0, 0, 0, 0, 0, 0], 4, 1, 2, 1)).Message, StringComparison.Ordinal);
    }

    private static float[] Shifted(int seed)
    {
        float[] values = RandomValues.Uniform(seed, Images * Heads * Tokens * Dimension), means = RandomValues.Uniform(seed + 10, Dimension, 2);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] += means[i % Dimension];
        }

        return values;
    }
}
