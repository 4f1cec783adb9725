// Codes from captured activations with all recipes: they bring attention closer to exact attention, run through the public call, and learning helps.
using BinaryAttention.Models.Calibration;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

public sealed class ActivationCodesTests
{
    private const int Images = 6, Heads = 2, Tokens = 24, Dimension = 16, Width = 20;

    private static readonly float[] Input = Shifted(1, Images * Tokens * Width, Width);
    private static readonly float[] QueryWeight = RandomValues.Uniform(2, Heads * Dimension * Width), KeyWeight = RandomValues.Uniform(3, Heads * Dimension * Width), QueryBias = RandomValues.Uniform(4, Heads * Dimension), KeyBias = RandomValues.Uniform(5, Heads * Dimension);
    private static readonly float[] Query = Project(QueryWeight, QueryBias), Key = Project(KeyWeight, KeyBias), Value = RandomValues.Uniform(6, Images * Heads * Tokens * Dimension);

    public static TheoryData<CalibrationRecipe, int, int, int> Forms() => new()
    {
        { CalibrationRecipe.ClosedForm, 1, 0, 1 }, { CalibrationRecipe.ClosedForm, 2, 0, 2 }, { CalibrationRecipe.ClosedForm, 1, 3, 1 }, { CalibrationRecipe.Rotation, 1, 0, 1 }, { CalibrationRecipe.Rotation, 1, 2, 1 }, { CalibrationRecipe.Projection, 1, 2, 1 },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Codes_ComeCloserThanSignsAsTheyAre(CalibrationRecipe recipe, int lengthFactor, int rank, int planes)
    {
        var options = new CalibrationOptions { Recipe = recipe, CodeLengthFactor = lengthFactor, Rank = rank, QueryPlanes = planes, KeyPlanes = planes, Steps = 40 };
        ActivationCodes codes = recipe == CalibrationRecipe.Projection ? FromInput(options) : ActivationCalibrator.FitCodes(Query, Key, Images, Heads, Tokens, Dimension, options, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((Heads, Dimension * lengthFactor), (codes.HeadCount, codes.CodeLength));
        Assert.True(codes.Divergence < 0.7 * codes.NaiveDivergence, $"KL {codes.NaiveDivergence} -> {codes.Divergence}");
        CodedAttention coded = codes.TakesLayerInput ? codes.EncodeInput(Input, Images, Tokens) : codes.Encode(Query, Key, Images, Tokens);
        double naive = Error(Query, Key, new AttentionShape(Images, Heads, Tokens, Tokens, Dimension, Dimension), new BinaryAttentionOptions { Quantization = ValueQuantization.Full });
        double error = Error(coded.Query, coded.Key, coded.Shape(Dimension), coded.Options with { Quantization = ValueQuantization.Full });
        Assert.True(error < 0.8 * naive, $"error of the output {naive} -> {error}");
    }

    [Fact]
    public void Learning_Helps_AndGivesTheSameBitsAgain()
    {
        var options = new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm };
        ActivationCodes closed = FromInput(options), learned = FromInput(options with { Recipe = CalibrationRecipe.Projection, Steps = 60 }), again = FromInput(options with { Recipe = CalibrationRecipe.Projection, Steps = 60, MaxDegreeOfParallelism = 1 });
        Assert.True(learned.Divergence < 0.8 * closed.Divergence, $"KL {closed.Divergence} -> {learned.Divergence}");
        Assert.Equal(learned.EncodeInput(Input, Images, Tokens).Query, again.EncodeInput(Input, Images, Tokens).Query);
    }

    [Fact]
    public void Rejects_BadInput()
    {
        var options = new CalibrationOptions();
        Assert.Contains("FitProjections", Assert.Throws<ArgumentException>(() => ActivationCalibrator.FitCodes(Query, Key, Images, Heads, Tokens, Dimension, options)).Message, StringComparison.Ordinal);
        CalibrationOptions closed = options with { Recipe = CalibrationRecipe.ClosedForm };
        Assert.Contains("at least 4", Assert.Throws<ArgumentException>(() => ActivationCalibrator.FitCodes(Query, Key, 3, Heads, Tokens, Dimension, closed)).Message, StringComparison.Ordinal);
        Assert.Contains("Rank is 16", Assert.Throws<ArgumentException>(() => ActivationCalibrator.FitCodes(Query, Key, Images, Heads, Tokens, Dimension, closed with { Rank = 16 })).Message, StringComparison.Ordinal);
        Assert.Contains("key has 1", Assert.Throws<ArgumentException>(() => ActivationCalibrator.FitCodes(Query, new float[1], Images, Heads, Tokens, Dimension, closed)).Message, StringComparison.Ordinal);
        Assert.Contains("keyBias has 3", Assert.Throws<ArgumentException>(() => ActivationCalibrator.FitProjections(Input, QueryWeight, [], KeyWeight, new float[3], Images, Heads, Tokens, Dimension, closed)).Message, StringComparison.Ordinal);
        Assert.Contains("keyWeight 5", Assert.Throws<ArgumentException>(() => ActivationCalibrator.FitProjections(Input, QueryWeight, [], new float[5], [], Images, Heads, Tokens, Dimension, closed)).Message, StringComparison.Ordinal);
        ActivationCodes codes = ActivationCalibrator.FitCodes(Query, Key, Images, Heads, Tokens, Dimension, closed, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains("Call Encode", Assert.Throws<InvalidOperationException>(() => codes.EncodeInput(Input, Images, Tokens)).Message, StringComparison.Ordinal);
        Assert.Contains("query has", Assert.Throws<ArgumentException>(() => codes.Encode(Query, Key, Images, Tokens - 1)).Message, StringComparison.Ordinal);
        Assert.Contains("EncodeInput", Assert.Throws<InvalidOperationException>(() => FromInput(closed).Encode(Query, Key, Images, Tokens)).Message, StringComparison.Ordinal);
    }

    private static ActivationCodes FromInput(CalibrationOptions options) =>
        ActivationCalibrator.FitProjections(Input, QueryWeight, QueryBias, KeyWeight, KeyBias, Images, Heads, Tokens, Dimension, options, specialTokenCount: 1, TestContext.Current.CancellationToken);

    private static double Error(float[] query, float[] key, in AttentionShape shape, BinaryAttentionOptions options)
    {
        float[] exact = new float[Value.Length], oneBit = new float[Value.Length];
        Attention.ScaledDotProduct(Query, Key, Value, exact, new AttentionShape(Images, Heads, Tokens, Tokens, Dimension, Dimension));
        Attention.BinaryScaledDotProduct(query, key, Value, oneBit, shape, options);
        return Math.Sqrt(exact.Zip(oneBit, static (a, b) => ((double)a - b) * ((double)a - b)).Sum());
    }

    // [images, heads, tokens, dimension] from [images, tokens, width].
    private static float[] Project(float[] weight, float[] bias)
    {
        var result = new float[Images * Heads * Tokens * Dimension];
        for (int i = 0; i < result.Length; i++)
        {
            int channel = i % Dimension, token = i / Dimension % Tokens, head = i / Dimension / Tokens % Heads, image = i / Dimension / Tokens / Heads, row = (head * Dimension) + channel;
            result[i] = bias[row];
            for (int input = 0; input < Width; input++)
            {
                result[i] += Input[(((image * Tokens) + token) * Width) + input] * weight[(row * Width) + input];
            }
        }

        return result;
    }

    private static float[] Shifted(int seed, int length, int period)
    {
        float[] values = RandomValues.Uniform(seed, length), means = RandomValues.Uniform(seed + 10, period, 2);
        return [.. values.Select((value, i) => value + means[i % period])];
    }
}
