// Log mode where a plain float32 logit would overflow: finite operands give the softmax of the true logits, as on the CPU, and never NaN.
using BinaryAttention.Cuda.Kernels;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class LogModeRangeTests
{
    private const int Queries = 33;
    private const int Keys = 70;
    private const int Dimension = 64;

    private static readonly CudaSpecification s_plain = CudaSpecification.Dense(new AttentionShape(1, 1, Queries, Keys, Dimension, 16)) with
    {
        Rows = SignWeightingMode.MeanMagnitudePerToken,
        Columns = SignWeightingMode.MeanMagnitudePerToken,
        WantsLogSumExp = true,
    };

    // 1e20 and 1e20: products overflow.  1e30 and 1e-30: logits of ordinary size from factors far apart.  1e-30 and 1e30: the other way round.
    [Theory]
    [InlineData(1e20f, 1e20f)]
    [InlineData(1e30f, 1e-30f)]
    [InlineData(1e-30f, 1e30f)]
    [InlineData(1e-25f, 1e-25f)]
    [InlineData(5e34f, 3e37f)]
    public void Matches_Reference_WithWeightsOfAnySize(float queryScale, float keyScale) =>
        LogModeTests.Compare(s_plain, Scaled(queryScale, 1, Queries), Scaled(keyScale, 2, Keys), ParityTests.Gaussian(Keys * 16, 3), []);

    [Fact]
    public void Matches_Reference_WithLogitsThatCancelALargeBias()
    {
        float[] bias = ParityTests.Gaussian(Queries * Keys, 4).Select(static x => Math.Clamp(x, -3f, 3f) * 1e38f).ToArray();
        LogModeTests.Compare(s_plain with { Bias = CudaBiasKind.Dense }, Scaled(1e19f, 1, Queries), Scaled(1e19f, 2, Keys), ParityTests.Gaussian(Keys * 16, 3), bias);
    }

    [Fact]
    public void Matches_Reference_WithABiasOfMinusInfinityBesideLargeLogits()
    {
        float[] bias = ParityTests.Gaussian(Queries * Keys, 4).Select(static (x, i) => i % 3 == 0 || i < Keys ? float.NegativeInfinity : x).ToArray();
        LogModeTests.Compare(s_plain with { Bias = CudaBiasKind.Dense, IsCausal = true }, Scaled(1e20f, 1, Queries), Scaled(1e20f, 2, Keys), ParityTests.Gaussian(Keys * 16, 3), bias);
    }

    [Fact]
    public void ARowBelowFloat_IsNoMaskedRow()
    {
        float[] query = Scaled(1e20f, 1, Queries).Select(Math.Abs).ToArray();
        float[] key = Scaled(1e20f, 2, Keys).Select(static x => -Math.Abs(x)).ToArray();
        LogModeTests.Compare(s_plain, query, key, ParityTests.Gaussian(Keys * 16, 3), []);
    }

    // The factor counts as 2^116: the log-sum-exp is that of the smaller factor, the probabilities (one key a row) are the true ones.
    [Fact]
    public void RowFactorsBeyondTheLimit_GiveTheSameProbabilities() =>
        LogModeTests.Compare(s_plain with { WantsLogSumExp = false }, Scaled(5e37f, 1, Queries), Scaled(1e37f, 2, Keys), ParityTests.Gaussian(Keys * 16, 3), []);

    private static float[] Scaled(float scale, int seed, int tokens) => ParityTests.Gaussian(tokens * Dimension, seed).Select(x => x * scale).ToArray();
}
