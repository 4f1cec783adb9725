// Log mode against the CPU's reference: float32 logits round some numerators to the neighbouring level, so outputs agree within one level's share per affected pair, not to the bit.
using System.Globalization;
using BinaryAttention.Cuda.Kernels;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class LogModeTests
{
    [Theory]
    [InlineData(64, 65, 64, 32, "None", true, false)]
    [InlineData(37, 197, 40, 48, "None", true, true)]
    [InlineData(70, 130, 128, 128, "PerKey", false, false)]
    [InlineData(70, 130, 31, 20, "PerKey", true, true)]
    [InlineData(65, 65, 64, 64, "Dense", false, true)]
    [InlineData(33, 97, 96, 40, "Dense", true, false)]
    [InlineData(16, 300, 32, 32, "Dense", false, false)]
    public void Matches_Reference(int queryLength, int keyLength, int dimension, int valueDimension, string bias, bool isPerToken, bool isCausal)
    {
        CudaBiasKind kind = Enum.Parse<CudaBiasKind>(bias);
        SignWeightingMode mode = isPerToken ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.MeanMagnitudePerHead;
        Check(
            CudaSpecification.Dense(new AttentionShape(2, 2, queryLength, keyLength, dimension, valueDimension) { KeyHeadCount = 1 }) with
            {
                Bias = kind,
                Rows = mode,
                Columns = mode,
                IsCausal = isCausal,
                WantsLogSumExp = true,
            },
            masksSome: false,
            seed: queryLength);
    }

    [Fact]
    public void Matches_Reference_WithMinusInfinityAndANegativeScale() =>
        Check(CudaSpecification.Dense(new AttentionShape(1, 2, 40, 70, 48, 16)) with { Bias = CudaBiasKind.Dense, LogitScale = -0.2f, WantsLogSumExp = true }, masksSome: true, seed: 3);

    [Theory]
    [InlineData(75)]
    [InlineData(100)]
    public void Matches_Reference_InOtherForms(int computeCapability) =>
        Check(CudaSpecification.Dense(new AttentionShape(1, 2, 40, 90, 80, 32) { KeyHeadCount = 1 }) with { Bias = CudaBiasKind.Dense, Columns = SignWeightingMode.MeanMagnitudePerToken, WantsLogSumExp = true, IsCausal = true }, masksSome: false, seed: 3, computeCapability);

    [Theory]
    [InlineData(5, 7, false, 2)]
    [InlineData(14, 14, true, 1)]
    [InlineData(3, 9, true, 2)]
    [InlineData(1, 70, false, 1)]
    public void Matches_Reference_WithARelativePositionBias(int height, int width, bool hasClassToken, int biasHeads)
    {
        int tokens = (height * width) + (hasClassToken ? 1 : 0);
        Check(
            CudaSpecification.Dense(new AttentionShape(1, 2, tokens, tokens, 64, 32)) with { Bias = CudaBiasKind.RelativePosition, Grid = new RelativeGrid(height, width, hasClassToken, biasHeads), WantsLogSumExp = true, IsCausal = !hasClassToken },
            masksSome: false,
            seed: tokens);
    }

    [Theory]
    [InlineData("Learned", "Learned", "None", false)]
    [InlineData("MeanMagnitudePerToken", "Learned", "None", true)]
    [InlineData("Learned", "MeanMagnitudePerHead", "PerKey", false)]
    [InlineData("Learned", "Learned", "RelativePosition", false)]
    public void Matches_Reference_WithLearnedWeights(string rows, string columns, string bias, bool isCausal)
    {
        AttentionShape shape = new(2, 2, 40, 40, 32, 32) { KeyHeadCount = 1 };
        Check(
            CudaSpecification.Dense(shape) with
            {
                Rows = Enum.Parse<SignWeightingMode>(rows),
                Columns = Enum.Parse<SignWeightingMode>(columns),
                Bias = Enum.Parse<CudaBiasKind>(bias),
                Grid = bias == "RelativePosition" ? new RelativeGrid(5, 8, false, 2) : default,
                IsCausal = isCausal,
                WantsLogSumExp = true,
            },
            masksSome: false,
            seed: 21,
            options: new OptionInputs { RowWeights = ParityTests.Gaussian(2 * 2 * 40, 4), ColumnWeights = ParityTests.Gaussian(2 * 40, 5) });
    }

    [Fact]
    public void Matches_Reference_WithABooleanMaskAndABias()
    {
        AttentionShape shape = new(1, 2, 70, 150, 32, 32);
        Check(
            CudaSpecification.Dense(shape) with { Bias = CudaBiasKind.Dense, HasPairs = true, HasQueryLengths = true, WantsLogSumExp = true },
            masksSome: false,
            seed: 22,
            options: new OptionInputs { Pairs = MaskTests.Pairs(shape, 1, 3, 0.4), QueryLengths = [66] });
    }

    private static void Check(CudaSpecification specification, bool masksSome, int seed, int computeCapability = 80, OptionInputs? options = null)
    {
        AttentionShape shape = specification.Shape;
        float[] query = ParityTests.Gaussian(shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.HeadDimension, seed);
        float[] key = ParityTests.Gaussian(shape.BatchSize * shape.KeyHeadCount * shape.KeyLength * shape.HeadDimension, seed + 1);
        float[] value = ParityTests.Gaussian(shape.BatchSize * shape.KeyHeadCount * shape.KeyLength * shape.ValueDimension, seed + 2);
        int rows = specification.Bias == CudaBiasKind.Dense ? shape.QueryLength : 1;
        int biasValues = specification.Bias == CudaBiasKind.RelativePosition ? specification.Grid.Entries * specification.Grid.Heads : shape.BatchSize * shape.HeadCount * rows * shape.KeyLength;
        float[] bias = specification.Bias == CudaBiasKind.None ? [] : ParityTests.Gaussian(biasValues, seed + 3);
        if (masksSome)
        {
            // Every third pair, and the whole first row.
            bias = bias.Select((x, i) => i % 3 == 0 || i < shape.KeyLength ? float.NegativeInfinity : x).ToArray();
        }

        Compare(specification, query, key, value, bias, computeCapability, options);
    }

    internal static void Compare(CudaSpecification specification, float[] query, float[] key, float[] value, float[] bias, int computeCapability = 80, OptionInputs? options = null)
    {
        (float[] expected, float[] expectedLogSumExp) = ProgramRunner.Reference(specification, query, key, value, bias: bias, options: options);
        ProgramRunner actual = ProgramRunner.Run(specification, query, key, value, bias: bias, computeCapability: computeCapability, options: options);
        double largest = value.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            // One level is at most 1/255 of the row's sum; a row of a hundred keys has at most a few pairs next to a half.
            Assert.True(Math.Abs(expected[i] - actual.Output[i]) <= largest / 255, string.Create(CultureInfo.InvariantCulture, $"element {i} is {actual.Output[i]:R}; expected {expected[i]:R}"));
        }

        int unequal = Enumerable.Range(0, expected.Length).Count(i => Math.Abs(expected[i] - actual.Output[i]) > 1e-5);
        Assert.InRange(unequal, 0, expected.Length / 10);
        for (int i = 0; i < actual.LogSumExp.Length; i++)
        {
            float want = expectedLogSumExp[i];
            Assert.True(want.Equals(actual.LogSumExp[i]) || Math.Abs(want - actual.LogSumExp[i]) <= 2e-6 * Math.Max(1, Math.Abs(want)), string.Create(CultureInfo.InvariantCulture, $"logSumExp {i} is {actual.LogSumExp[i]:R}; expected {want:R}"));
        }
    }
}
