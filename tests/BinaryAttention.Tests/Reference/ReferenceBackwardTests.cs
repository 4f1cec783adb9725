// Gradients against central differences, in double, of the formulas with the straight-through surrogate (see NaiveProblem). Grouped heads throughout.
using BinaryAttention.Kernels;
using BinaryAttention.Reference;
using Xunit;
using static BinaryAttention.Tests.Reference.ReferenceForwardTests;

namespace BinaryAttention.Tests.Reference;

public sealed class ReferenceBackwardTests
{
    private const double Step = 1e-5;

    // Weights are rounded to float32 in the reference, the differences are good to about 1e-9.
    private const double Tolerance = 1e-6;

    private static readonly AttentionShape Shape = new(2, 4, 5, 5, 4, 3) { KeyHeadCount = 2 };

    public static TheoryData<string> BiasNames() => [.. BiasCase.Names];

    [Theory]
    [InlineData(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.MeanMagnitudePerHead)]
    [InlineData(SignWeightingMode.MeanMagnitudePerToken, SignWeightingMode.MeanMagnitudePerToken)]
    [InlineData(SignWeightingMode.MeanMagnitudePerToken, SignWeightingMode.MeanMagnitudePerHead)]
    [InlineData(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.None)]
    public void Binary_MatchesFiniteDifferences_ForEveryWeighting(SignWeightingMode rows, SignWeightingMode columns)
    {
        AttentionSpecification specification = Specification(new BinaryAttentionOptions { Weighting = new SignWeighting(rows, columns), Quantization = ValueQuantization.Full });
        Check(specification, static problem => problem);
    }

    [Theory]
    [MemberData(nameof(BiasNames))]
    public void Binary_MatchesFiniteDifferences_ForEveryBias(string name)
    {
        var bias = BiasCase.Make(name, Shape);
        AttentionSpecification specification = Specification(new BinaryAttentionOptions { Bias = bias.Bias, Quantization = ValueQuantization.Full });
        Check(specification, problem => problem with { Bias = Doubles(bias.Values), BiasIndex = bias.Index });
    }

    [Theory]
    [MemberData(nameof(BiasNames))]
    public void Exact_MatchesFiniteDifferences_ForEveryBias(string name)
    {
        var bias = BiasCase.Make(name, Shape);
        AttentionSpecification specification = Specification(new AttentionOptions { Bias = bias.Bias });
        Check(specification, problem => problem with { Bias = Doubles(bias.Values), BiasIndex = bias.Index });
    }

    [Fact]
    public void Learned_MatchesFiniteDifferences()
    {
        float[] rowWeights = GaussianData.Make(2 * 4 * 5, 31);
        float[] columnWeights = GaussianData.Make(2 * 2 * 5, 32);
        AttentionSpecification specification = Specification(new BinaryAttentionOptions { Quantization = ValueQuantization.Full }) with
        {
            Weighting = SignWeighting.Learned(rowWeights, columnWeights),
        };
        ReferenceGradients gradients = Check(specification, problem => problem with { RowWeights = Doubles(rowWeights), ColumnWeights = Doubles(columnWeights) });
        Assert.All(gradients.Query, static value => Assert.Equal(0, value));
        Assert.All(gradients.Key, static value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData("causal")]
    [InlineData("query lengths")]
    [InlineData("key lengths")]
    [InlineData("bits per head")]
    [InlineData("everything")]
    public void Masked_MatchesFiniteDifferences(string name)
    {
        var mask = MaskCase.Make(name, Shape);
        NaiveProblem With(NaiveProblem problem) => problem with { Allows = mask.Allows, QueryLengths = mask.QueryLengths, KeyLengths = mask.KeyLengths };
        Check(Specification(new BinaryAttentionOptions { Mask = mask.Mask, Quantization = ValueQuantization.Full }), With);
        Check(Specification(new BinaryAttentionOptions { Mask = mask.Mask, Quantization = ValueQuantization.Full, Weighting = SignWeighting.MeanMagnitudePerToken }), With);
        Check(Specification(new AttentionOptions { Mask = mask.Mask }), With);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void LowRankFactors_MatchFiniteDifferences(bool isBinary)
    {
        const int Rank = 2;
        float[] queryFactors = GaussianData.Make(2 * 4 * 5 * Rank, 51);
        float[] keyFactors = GaussianData.Make(2 * 4 * 5 * Rank, 52);
        var bias = AttentionBias.LowRank(queryFactors, keyFactors, 2, 4, 5, 5, Rank);
        AttentionSpecification specification = Specification(isBinary ? new BinaryAttentionOptions { Bias = bias, Quantization = ValueQuantization.Full } : new AttentionOptions { Bias = bias });
        (float[] query, float[] key, float[] value) = Operands(Shape);
        float[] upstream = GaussianData.Make(2 * 4 * 5 * 3, 40);
        var inputs = ReferenceInputs.Create(specification, query, key, value);
        ReferenceGradients gradients = isBinary ? ReferenceBinaryAttentionBackward.Run(inputs, upstream) : ReferenceAttentionBackward.Run(inputs, upstream);
        NaiveProblem problem = Naive(query, key, value, Shape) with { IsBinary = isBinary };
        static Func<int, int, int, int, double> Product(double[] left, double[] right) =>
            (b, h, i, j) => Enumerable.Range(0, Rank).Sum(r => left[(((((b * 4) + h) * 5) + i) * Rank) + r] * right[(((((b * 4) + h) * 5) + j) * Rank) + r]);
        Compare("query factors", gradients.Bias, Doubles(queryFactors), values => problem with { BiasAt = Product(values, Doubles(keyFactors)) }, upstream);
        Compare("key factors", gradients.BiasKeyFactors, Doubles(keyFactors), values => problem with { BiasAt = Product(Doubles(queryFactors), values) }, upstream);
    }

    [Fact]
    public void Tiled_HasTheGradientOfFull()
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        float[] upstream = GaussianData.Make(2 * 4 * 5 * 3, 41);
        ReferenceGradients full = ReferenceBinaryAttentionBackward.Run(ReferenceInputs.Create(Specification(new BinaryAttentionOptions { Quantization = ValueQuantization.Full }), query, key, value), upstream);
        ReferenceGradients tiled = ReferenceBinaryAttentionBackward.Run(ReferenceInputs.Create(Specification(new BinaryAttentionOptions()), query, key, value), upstream);
        Assert.Equal(full.Query, tiled.Query);
        Assert.Equal(full.Key, tiled.Key);
        Assert.Equal(full.Value, tiled.Value);
    }

    [Fact]
    public void TrainingParity_GivesNoGradientToLargeValues()
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        value[0] = 2f;
        value[1] = -2f;
        value[2] = float.BitDecrement(2f);
        ReferenceGradients gradients = ReferenceBinaryAttentionBackward.Run(
            ReferenceInputs.Create(Specification(new BinaryAttentionOptions { Quantization = ValueQuantization.TrainingParity }), query, key, value), GaussianData.Make(2 * 4 * 5 * 3, 42));
        Assert.Equal(0, gradients.Value[0]);
        Assert.Equal(0, gradients.Value[1]);
        Assert.NotEqual(0, gradients.Value[2]);
    }

    [Fact]
    public void StraightThrough_IncludesOne_AndZeroHasNoMagnitudeSlope()
    {
        // With weights 1 only the straight-through part remains: it is zero beyond +-1 and nothing else.
        (float[] query, float[] key, float[] value) = Operands(Shape);
        query[0] = 1f;
        query[1] = -1f;
        query[2] = float.BitIncrement(1f);
        query[3] = 0f;
        float[] upstream = GaussianData.Make(2 * 4 * 5 * 3, 43);
        ReferenceGradients plain = ReferenceBinaryAttentionBackward.Run(
            ReferenceInputs.Create(Specification(new BinaryAttentionOptions { Weighting = SignWeighting.None, Quantization = ValueQuantization.Full }), query, key, value), upstream);
        Assert.Equal(plain.BinarisedQuery[..2], plain.Query[..2]);
        Assert.Equal(0, plain.Query[2]);
        Assert.Equal(plain.BinarisedQuery[3], plain.Query[3]);

        // With mean magnitudes the zero gets its straight-through part alone: weight * gradient.
        ReferenceInputs inputs = ReferenceInputs.Create(Specification(new BinaryAttentionOptions { Quantization = ValueQuantization.Full }), query, key, value);
        ReferenceGradients weighted = ReferenceBinaryAttentionBackward.Run(inputs, upstream);
        double weight = new ReferenceBinaryHead(inputs, 0, 0).RowWeights[0];
        Assert.Equal(weighted.BinarisedQuery[3] * weight, weighted.Query[3]);
    }

    private static AttentionSpecification Specification(AttentionOptions options) => SpecificationBuilder.Build(Shape, options, options is BinaryAttentionOptions);

    private static ReferenceGradients Check(AttentionSpecification specification, Func<NaiveProblem, NaiveProblem> complete, bool hasBias = true)
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        float[] upstream = GaussianData.Make(2 * 4 * 5 * 3, 40);
        var inputs = ReferenceInputs.Create(specification, query, key, value);
        ReferenceGradients gradients = specification.IsBinary ? ReferenceBinaryAttentionBackward.Run(inputs, upstream) : ReferenceAttentionBackward.Run(inputs, upstream);
        NaiveProblem anchor = complete(Naive(query, key, value, Shape)) with { IsBinary = specification.IsBinary, Rows = specification.Weighting.Rows, Columns = specification.Weighting.Columns };
        NaiveProblem problem = anchor with { Anchor = anchor };
        Compare("query", gradients.Query, problem.Query, values => problem with { Query = values }, upstream);
        Compare("key", gradients.Key, problem.Key, values => problem with { Key = values }, upstream);
        Compare("value", gradients.Value, problem.Value, values => problem with { Value = values }, upstream);
        if (hasBias)
        {
            Compare("bias", gradients.Bias, problem.Bias, values => problem with { Bias = values }, upstream);
        }

        Compare("row weights", gradients.RowWeights, problem.RowWeights, values => problem with { RowWeights = values }, upstream);
        Compare("column weights", gradients.ColumnWeights, problem.ColumnWeights, values => problem with { ColumnWeights = values }, upstream);
        return gradients;
    }

    private static void Compare(string name, double[] gradient, double[] values, Func<double[], NaiveProblem> replace, float[] upstream)
    {
        Assert.Equal(values.Length, gradient.Length);
        double scale = gradient.Length == 0 ? 0 : gradient.Max(Math.Abs);
        for (int i = 0; i < values.Length; i++)
        {
            double difference = (Loss(replace, values, i, Step, upstream) - Loss(replace, values, i, -Step, upstream)) / (2 * Step);
            Assert.True(Math.Abs(difference - gradient[i]) <= Tolerance * Math.Max(scale, 1e-3), FormattableString.Invariant($"{name} {i}: gradient {gradient[i]:G9}, difference {difference:G9}"));
        }
    }

    private static double Loss(Func<double[], NaiveProblem> replace, double[] values, int index, double step, float[] upstream)
    {
        double[] moved = [.. values];
        moved[index] += step;
        return replace(moved).Attend().Output.Zip(upstream, static (output, gradient) => output * gradient).Sum();
    }
}
