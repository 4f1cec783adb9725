// Results over disjoint keys, merged, against one call over all keys: for any split, in any order.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.PublicDoor;

public sealed class PartialAttentionTests
{
    private static readonly AttentionCase Whole = new() { Batch = 2, Heads = 4, KeyHeads = 2, Queries = 13, Keys = 211, HeadDimension = 48, ValueDimension = 20, Inputs = InputKind.Clustered, LogitScale = 0.3f };

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, 8)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void MergedParts_EqualOneCall_Exact(int seed) => Check(seed, binary: null, tolerance: 2e-6);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void MergedParts_EqualOneCall_FullWithoutWeights(int seed) =>
        Check(seed, new BinaryAttentionOptions { Weighting = SignWeighting.None, Quantization = ValueQuantization.Full }, tolerance: 2e-6);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void MergedParts_EqualOneCall_FullPerToken(int seed) =>
        Check(seed, new BinaryAttentionOptions { Weighting = SignWeighting.MeanMagnitudePerToken, Quantization = ValueQuantization.Full }, tolerance: 2e-6);

    // Each part has its own value scales and means: two results that are each within Tiled's error of the truth (a few thousandths here) are within twice that of each other.
    [Theory]
    [MemberData(nameof(Seeds))]
    public void MergedParts_StayWithinTheTiledError(int seed) =>
        Check(seed, new BinaryAttentionOptions { Weighting = SignWeighting.None }, tolerance: 0.02);

    [Fact]
    public void APartWithoutAllowedKeys_ChangesNothing()
    {
        AttentionShape shape = new(1, 1, 2, 5, 4, 3);
        float[] result = [1, 2, 3, 4, 5, 6];
        float[] logSumExp = [0.5f, float.NegativeInfinity];
        float[] part = [9, 9, 9, 7, 8, 9];
        PartialAttention.Merge(part, new float[] { float.NegativeInfinity, -2f }, result, logSumExp, shape);
        Assert.Equal(new float[] { 1, 2, 3, 7, 8, 9 }, result);
        Assert.Equal(new float[] { 0.5f, -2f }, logSumExp);
    }

    [Fact]
    public void ANaNOfAPart_IsNotHidden()
    {
        AttentionShape shape = new(1, 1, 1, 5, 4, 2);
        float[] result = [1, 2];
        float[] logSumExp = [0];
        PartialAttention.Merge(new float[] { float.NaN, float.NaN }, new float[] { float.NaN }, result, logSumExp, shape);
        Assert.All(result, static value => Assert.True(float.IsNaN(value)));
        Assert.True(float.IsNaN(logSumExp[0]));
    }

    [Fact]
    public void Refuses_WhatDoesNotFit()
    {
        AttentionShape shape = new(1, 2, 3, 5, 4, 2);
        Refused("TrainingParity", () => PartialAttention.Merge(new float[12], new float[6], new float[12], new float[6], shape, new BinaryAttentionOptions { Quantization = ValueQuantization.TrainingParity }));
        Refused("part has 11 elements", () => PartialAttention.Merge(new float[11], new float[6], new float[12], new float[6], shape));
        Refused("destination has 10 elements", () => PartialAttention.Merge(new float[12], new float[6], new float[10], new float[6], shape));
        Refused("partLogSumExp has 5 elements", () => PartialAttention.Merge(new float[12], new float[5], new float[12], new float[6], shape));
        Refused("logSumExp has 7 elements", () => PartialAttention.Merge(new float[12], new float[6], new float[12], new float[7], shape));
        var same = new float[12];
        Refused("overlap", () => PartialAttention.Merge(same, new float[6], same, new float[6], shape));
    }

    private static void Refused(string part, Action call) => Assert.Contains(part, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);

    private static void Check(int seed, BinaryAttentionOptions? binary, double tolerance)
    {
        var random = new Random(seed);
        Operands operands = Whole.MakeOperands();
        AttentionOptions options = (binary ?? new AttentionOptions()) with { LogitScale = Whole.LogitScale, Layout = seed % 2 == 0 ? TensorLayout.HeadTokenDimension : TensorLayout.TokenHeadDimension };
        (float[] expected, float[] expectedLogSumExp) = Attend(operands, 0, Whole.Keys, options);

        int[] cuts = [0, .. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(1, Whole.Keys)).Distinct().Order(), Whole.Keys];
        int[] order = [.. Enumerable.Range(0, cuts.Length - 1)];
        random.Shuffle(order);
        (float[] merged, float[] logSumExp) = Attend(operands, cuts[order[0]], cuts[order[0] + 1], options);
        foreach (int part in order.Skip(1))
        {
            (float[] next, float[] nextLogSumExp) = Attend(operands, cuts[part], cuts[part + 1], options);
            PartialAttention.Merge(next, nextLogSumExp, merged, logSumExp, Whole.Shape, options);
        }

        double scale = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs((double)expected[i] - merged[i]) <= tolerance * scale, $"output[{i}] is {merged[i]:R}; one call gives {expected[i]:R}");
        }

        for (int row = 0; row < expectedLogSumExp.Length; row++)
        {
            // Tiled sums numerators in steps of 1 / (254 * 255), one rounding per key.
            Assert.Equal(expectedLogSumExp[row], logSumExp[row], tolerance > 1e-3 ? 2e-3f : 1e-5f);
        }
    }

    // Attention over keys first .. end - 1; operands are made heads first and reordered if the options say so.
    private static (float[] Output, float[] LogSumExp) Attend(Operands operands, int first, int end, AttentionOptions options)
    {
        AttentionCase c = Whole with { Keys = end - first };
        float[] query = Lay(operands.Query, c.Heads, c.Queries, 0, c.Queries, c.HeadDimension, options.Layout);
        float[] key = Lay(operands.Key, c.KeyHeads, Whole.Keys, first, end, c.HeadDimension, options.Layout);
        float[] value = Lay(operands.Value, c.KeyHeads, Whole.Keys, first, end, c.ValueDimension, options.Layout);
        var output = new float[c.Batch * c.Heads * c.Queries * c.ValueDimension];
        var logSumExp = new float[c.Batch * c.Heads * c.Queries];
        if (options is BinaryAttentionOptions binary)
        {
            Attention.BinaryScaledDotProduct(query, key, value, output, c.Shape, binary, logSumExp);
        }
        else
        {
            Attention.ScaledDotProduct(query, key, value, output, c.Shape, options, logSumExp);
        }

        return (output, logSumExp);
    }

    private static float[] Lay(float[] values, int heads, int tokens, int first, int end, int dimension, TensorLayout layout)
    {
        float[] cut = [.. Enumerable.Range(0, Whole.Batch * heads).SelectMany(head => values.AsSpan(((head * tokens) + first) * dimension, (end - first) * dimension).ToArray())];
        return layout == TensorLayout.HeadTokenDimension ? cut : CaseRunner.SwapMiddle(cut, Whole.Batch, heads, end - first, dimension);
    }
}
