using Xunit;

namespace BinaryAttention.Tests.Reference;

public sealed class ReferenceForwardTests
{
    private const string Kernel = "reference";

    private static readonly AttentionShape Small = new(2, 4, 5, 5, 7, 3) { KeyHeadCount = 2 };

    public static TheoryData<string> BiasNames() => [.. BiasCase.Names];

    [Theory]
    [InlineData(ValueQuantization.Full)]
    [InlineData(ValueQuantization.Tiled)]
    public void OneKeyOfOneChannel_GivesItsValue(ValueQuantization quantization)
    {
        (float[] output, float[] logSumExp) = Binary([2f], [-3f], [7.25f], new AttentionShape(1, 1, 1, 1, 1, 1), new() { Quantization = quantization });
        Assert.Equal([7.25f], output);
        Assert.Equal(-6f, logSumExp[0], 1e-5f); // |2| * |-3| * (1 - 2)
    }

    [Fact]
    public void TwoKeys_ByHand()
    {
        // q agrees with the first key in both channels and with the second in none; all weights are 1.
        (float[] output, float[] logSumExp) = Binary([1f, -1f], [1f, -1f, -1f, 1f], [10f, 20f], new AttentionShape(1, 1, 1, 2, 2, 1), new() { Quantization = ValueQuantization.Full, LogitScale = 1f });
        double first = 1 / (1 + Math.Exp(-4));
        Assert.Equal((10 * first) + (20 * (1 - first)), output[0], 1e-5);
        Assert.Equal(2 + Math.Log(1 + Math.Exp(-4)), logSumExp[0], 1e-5);
    }

    [Fact]
    public void ZeroAndDenormal_CountAsTheirSign()
    {
        // With weights 1 the logit shows the signs: 1 if query and key agree, else -1.
        float[] positive = [0f, -0f, float.Epsilon, 1f];
        float[] negative = [-float.Epsilon, -1f];
        foreach (float query in positive.Concat(negative))
        {
            foreach (float key in positive.Concat(negative))
            {
                (_, float[] logSumExp) = Binary([query], [key], [1f], new AttentionShape(1, 1, 1, 1, 1, 1), new() { Weighting = SignWeighting.None, Quantization = ValueQuantization.Full });
                Assert.Equal(negative.Contains(query) == negative.Contains(key) ? 1f : -1f, logSumExp[0]);
            }
        }
    }

    [Theory]
    [InlineData(ValueQuantization.Full)]
    [InlineData(ValueQuantization.Tiled)]
    [InlineData(ValueQuantization.TrainingParity)]
    public void ZeroQueries_GiveUniformAttention(ValueQuantization quantization)
    {
        var shape = new AttentionShape(1, 1, 2, 3, 4, 1);
        (float[] output, float[] logSumExp) = Binary(new float[8], GaussianData.Make(12, 1), [1f, 2f, 6f], shape, new() { Quantization = quantization });
        Assert.All(output, value => Assert.Equal(3f, value, 0.02f));
        Assert.All(logSumExp, value => Assert.Equal(Math.Log(3), value, 1e-5));
    }

    [Fact]
    public void EqualKeys_GiveTheMeanValue()
    {
        var shape = new AttentionShape(1, 1, 3, 4, 8, 2);
        float[] key = [.. Enumerable.Repeat(GaussianData.Make(8, 2), 4).SelectMany(token => token)];
        float[] value = GaussianData.Make(8, 3);
        (float[] output, _) = Binary(GaussianData.Make(24, 4), key, value, shape, new());
        for (int i = 0; i < output.Length; i++)
        {
            Assert.Equal((value[i % 2] + value[(i % 2) + 2] + value[(i % 2) + 4] + value[(i % 2) + 6]) / 4, output[i], 0.02f);
        }
    }

    [Theory]
    [InlineData(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.MeanMagnitudePerHead)]
    [InlineData(SignWeightingMode.MeanMagnitudePerToken, SignWeightingMode.MeanMagnitudePerToken)]
    [InlineData(SignWeightingMode.MeanMagnitudePerToken, SignWeightingMode.MeanMagnitudePerHead)]
    [InlineData(SignWeightingMode.None, SignWeightingMode.MeanMagnitudePerToken)]
    [InlineData(SignWeightingMode.None, SignWeightingMode.None)]
    public void Full_MatchesTheFormula_ForEveryWeighting(SignWeightingMode rows, SignWeightingMode columns)
    {
        (float[] query, float[] key, float[] value) = Operands(Small);
        (float[] output, float[] logSumExp) = Binary(query, key, value, Small, new() { Weighting = new SignWeighting(rows, columns), Quantization = ValueQuantization.Full });
        (double[] expected, double[] expectedLogSumExp) = (Naive(query, key, value, Small) with { Rows = rows, Columns = columns }).Attend();
        Close(expected, output, 1e-6);
        Close(expectedLogSumExp, logSumExp, 1e-6);
    }

    [Theory]
    [MemberData(nameof(BiasNames))]
    public void Full_MatchesTheFormula_ForEveryBias(string name)
    {
        (float[] query, float[] key, float[] value) = Operands(Small);
        var bias = BiasCase.Make(name, Small);
        (float[] output, float[] logSumExp) = Binary(query, key, value, Small, new() { Bias = bias.Bias, Quantization = ValueQuantization.Full });
        (double[] expected, double[] expectedLogSumExp) = (Naive(query, key, value, Small) with { Bias = Doubles(bias.Values), BiasIndex = bias.Index }).Attend();
        Close(expected, output, 1e-6);
        Close(expectedLogSumExp, logSumExp, 1e-6);
    }

    [Theory]
    [MemberData(nameof(BiasNames))]
    public void Exact_MatchesTheFormula_ForEveryBias(string name)
    {
        (float[] query, float[] key, float[] value) = Operands(Small);
        var bias = BiasCase.Make(name, Small);
        var output = new float[OutputLength(Small)];
        var logSumExp = new float[Small.BatchSize * Small.HeadCount * Small.QueryLength];
        Attention.ScaledDotProduct(query, key, value, output, Small, new() { Bias = bias.Bias, Kernel = Kernel }, logSumExp);
        (double[] expected, double[] expectedLogSumExp) = (Naive(query, key, value, Small) with { IsBinary = false, Bias = Doubles(bias.Values), BiasIndex = bias.Index }).Attend();
        Close(expected, output, 1e-6);
        Close(expectedLogSumExp, logSumExp, 1e-6);

        static int OutputLength(AttentionShape shape) => shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.ValueDimension;
    }

    [Theory]
    [InlineData(ValueQuantization.Full)]
    [InlineData(ValueQuantization.Tiled)]
    [InlineData(ValueQuantization.TrainingParity)]
    public void GroupedHeads_EqualRepeatedHeads(ValueQuantization quantization)
    {
        (float[] query, float[] key, float[] value) = Operands(Small);
        AttentionShape repeated = Small with { KeyHeadCount = 4 };
        BinaryAttentionOptions options = new() { Quantization = quantization };
        (float[] grouped, float[] groupedLogSumExp) = Binary(query, key, value, Small, options);
        (float[] full, float[] fullLogSumExp) = Binary(query, RepeatHeads(key, 5 * 7), RepeatHeads(value, 5 * 3), repeated, options);
        Assert.Equal(full, grouped);
        Assert.Equal(fullLogSumExp, groupedLogSumExp);
    }

    [Theory]
    [InlineData(ValueQuantization.Full)]
    [InlineData(ValueQuantization.Tiled)]
    [InlineData(ValueQuantization.TrainingParity)]
    public void Layouts_GiveTheSameBits(ValueQuantization quantization)
    {
        (float[] query, float[] key, float[] value) = Operands(Small);
        (float[] output, float[] logSumExp) = Binary(query, key, value, Small, new() { Quantization = quantization });
        (float[] other, float[] otherLogSumExp) = Binary(
            TokensFirst(query, 4, 5, 7), TokensFirst(key, 2, 5, 7), TokensFirst(value, 2, 5, 3), Small, new() { Quantization = quantization, Layout = TensorLayout.TokenHeadDimension });
        Assert.Equal(TokensFirst(output, 4, 5, 3), other);
        Assert.Equal(logSumExp, otherLogSumExp);
    }

    [Fact]
    public void Threads_GiveTheSameBits()
    {
        (float[] query, float[] key, float[] value) = Operands(Small);
        (float[] one, _) = Binary(query, key, value, Small, new() { MaxDegreeOfParallelism = 1 });
        (float[] four, _) = Binary(query, key, value, Small, new() { MaxDegreeOfParallelism = 4 });
        Assert.Equal(one, four);
    }

    [Theory]
    [InlineData(ValueQuantization.Full)]
    [InlineData(ValueQuantization.Tiled)]
    [InlineData(ValueQuantization.TrainingParity)]
    public void NegativeScale_EqualsNegatedQueries(ValueQuantization quantization)
    {
        (float[] query, float[] key, float[] value) = Operands(Small);
        (float[] negative, float[] negativeLogSumExp) = Binary(query, key, value, Small, new() { Quantization = quantization, LogitScale = -0.4f });
        (float[] positive, float[] positiveLogSumExp) = Binary(Array.ConvertAll(query, static x => -x), key, value, Small, new() { Quantization = quantization, LogitScale = 0.4f });
        Assert.Equal(positive, negative);
        Assert.Equal(positiveLogSumExp, negativeLogSumExp);
    }

    [Fact]
    public void Plan_KeepsItsOwnCopyOfKeysAndValues()
    {
        (float[] query, float[] key, float[] value) = Operands(Small);
        (float[] expected, _) = Binary(query, key, value, Small, new());
        using var plan = AttentionPlan.Create(Small, new BinaryAttentionOptions { Kernel = Kernel });
        plan.SetKeyValue(key, value);
        Array.Clear(key);
        Array.Clear(value);
        var output = new float[expected.Length];
        plan.Run(query, output);
        Assert.Equal(expected, output);
        plan.Run(query, output);
        Assert.Equal(expected, output);
    }

    internal static (float[] Output, float[] LogSumExp) Binary(float[] query, float[] key, float[] value, AttentionShape shape, BinaryAttentionOptions options)
    {
        var output = new float[shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.ValueDimension];
        var logSumExp = new float[shape.BatchSize * shape.HeadCount * shape.QueryLength];
        Array.Fill(output, 12345f);
        Attention.BinaryScaledDotProduct(query, key, value, output, shape, options with { Kernel = Kernel }, logSumExp);
        return (output, logSumExp);
    }

    internal static (float[] Query, float[] Key, float[] Value) Operands(AttentionShape shape)
    {
        int keyHeads = shape.KeyHeadCount == 0 ? shape.HeadCount : shape.KeyHeadCount;
        return (
            GaussianData.Make(shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.HeadDimension, 11),
            GaussianData.Make(shape.BatchSize * keyHeads * shape.KeyLength * shape.HeadDimension, 12),
            GaussianData.Make(shape.BatchSize * keyHeads * shape.KeyLength * shape.ValueDimension, 13));
    }

    internal static NaiveProblem Naive(float[] query, float[] key, float[] value, AttentionShape shape) =>
        new() { Shape = shape, Query = Doubles(query), Key = Doubles(key), Value = Doubles(value) };

    internal static double[] Doubles(float[] values) => Array.ConvertAll(values, static value => (double)value);

    internal static void Close(double[] expected, float[] actual, double tolerance)
    {
        double scale = expected.Max(Math.Abs);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * scale, FormattableString.Invariant($"element {i} is {actual[i]:G9}, expected {expected[i]:G9}"));
        }
    }

    private static float[] RepeatHeads(float[] values, int headLength) =>
        [.. values.Chunk(headLength).SelectMany(head => head.Concat(head))];

    private static float[] TokensFirst(float[] values, int heads, int tokens, int dimension)
    {
        var result = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int channel = i % dimension;
            int token = i / dimension % tokens;
            int head = i / dimension / tokens % heads;
            int batch = i / dimension / tokens / heads;
            result[(((((batch * tokens) + token) * heads) + head) * dimension) + channel] = values[i];
        }

        return result;
    }
}
