using BinaryAttention.Models.Metrics;
using Xunit;

namespace BinaryAttention.Models.Tests.Metrics;

public sealed class AttentionFidelityTests
{
    // Key lengths on either side of a block of 64 columns, and with a part of one at the end.
    [Theory]
    [InlineData(1, 2, 0, 5, 7, 8, 3)]
    [InlineData(2, 2, 0, 17, 64, 16, 16)]
    [InlineData(1, 4, 2, 33, 65, 24, 8)]
    [InlineData(2, 3, 1, 130, 130, 16, 5)]
    public void Figures_FollowTheirDefinitions(int batch, int heads, int keyHeads, int queries, int keys, int dimension, int width)
    {
        var shape = new AttentionShape(batch, heads, queries, keys, dimension, width) { KeyHeadCount = keyHeads };
        (float[] query, float[] key, float[] value) = Operands(shape);
        float[] bias = RandomValues.Uniform(4, keys, 2);
        var plain = new PlainFidelity(shape, query, key, value, bias);
        AttentionBias perKey = AttentionBias.PerKey(bias, 1, 1, keys);
        int special = Math.Min(2, queries);
        HeadFidelity[] actual = AttentionFidelity.Measure(query, key, value, shape, new AttentionOptions { Bias = perKey }, new BinaryAttentionOptions { Bias = perKey, Quantization = ValueQuantization.Full }, special, TestContext.Current.CancellationToken);
        Assert.Equal(batch * heads, actual.Length);
        for (int i = 0; i < actual.Length; i++)
        {
            HeadFidelity expected = plain.Of(i / heads, i % heads, special);
            Assert.Equal(expected.MapDivergence, actual[i].MapDivergence, 1e-5);
            Assert.Equal(expected.SpecialRowDivergence, actual[i].SpecialRowDivergence, 1e-5);
            Assert.Equal(expected.MapCosine, actual[i].MapCosine, 1e-5);
            Assert.Equal(expected.SpecialRowCosine, actual[i].SpecialRowCosine, 1e-5);
            Assert.Equal(expected.OutputError, actual[i].OutputError, 1e-4);
            Assert.Equal(expected.SpecialRowOutputError, actual[i].SpecialRowOutputError, 1e-4);
            Assert.Equal(actual[i].OutputError, actual[i].SignError);
            Assert.Equal(0, actual[i].QuantizationError);
        }
    }

    [Fact]
    public void EightBitPart_StandsApart()
    {
        var shape = new AttentionShape(1, 2, 70, 70, 32, 32);
        (float[] query, float[] key, float[] value) = Operands(shape);
        HeadFidelity[] full = AttentionFidelity.Measure(query, key, value, shape, null, new BinaryAttentionOptions { Quantization = ValueQuantization.Full }, 1, TestContext.Current.CancellationToken);
        HeadFidelity[] tiled = AttentionFidelity.Measure(query, key, value, shape, cancellationToken: TestContext.Current.CancellationToken);
        for (int head = 0; head < 2; head++)
        {
            Assert.Equal(full[head].MapDivergence, tiled[head].MapDivergence);
            Assert.Equal(full[head].SignError, tiled[head].SignError);
            Assert.InRange(tiled[head].QuantizationError, 1e-5, 0.03);
            Assert.InRange(tiled[head].OutputError, tiled[head].SignError - tiled[head].QuantizationError, tiled[head].SignError + tiled[head].QuantizationError);
        }
    }

    // Where all magnitudes are equal, signs lose nothing.
    [Fact]
    public void EqualMagnitudes_AreEqualAttention()
    {
        var shape = new AttentionShape(1, 2, 40, 90, 16, 4);
        float[] query = Signs(1, 2 * 40 * 16, 0.5f), key = Signs(2, 2 * 90 * 16, 2), value = RandomValues.Uniform(3, 2 * 90 * 4);
        foreach (HeadFidelity head in AttentionFidelity.Measure(query, key, value, shape, null, new BinaryAttentionOptions { Quantization = ValueQuantization.Full }, 1, TestContext.Current.CancellationToken))
        {
            Assert.InRange(head.MapDivergence, 0, 1e-9);
            Assert.Equal(1, head.MapCosine, 1e-9);
            Assert.InRange(head.SignError, 0, 1e-5);
        }
    }

    [Fact]
    public void TokensBeforeHeads_InAFusedProjection_AreReadInPlace()
    {
        const int tokens = 67, heads = 3, dimension = 16, width = heads * dimension;
        float[] fused = RandomValues.Uniform(5, tokens * 3 * width, 2);
        var strided = new AttentionShape(1, heads, tokens, tokens, dimension, dimension) { QueryTokenStride = 3 * width, KeyTokenStride = 3 * width, ValueTokenStride = 3 * width };
        HeadFidelity[] actual = AttentionFidelity.Measure(
            fused, fused.AsSpan(width), fused.AsSpan(2 * width), strided, new AttentionOptions { Layout = TensorLayout.TokenHeadDimension }, cancellationToken: TestContext.Current.CancellationToken);
        HeadFidelity[] expected = AttentionFidelity.Measure(Dense(0), Dense(1), Dense(2), new AttentionShape(1, heads, tokens, tokens, dimension, dimension), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(expected, actual);

        float[] Dense(int part)
        {
            var dense = new float[heads * tokens * dimension];
            for (int i = 0; i < dense.Length; i++)
            {
                int head = i / (tokens * dimension), token = i / dimension % tokens;
                dense[i] = fused[(token * 3 * width) + (part * width) + (head * dimension) + (i % dimension)];
            }

            return dense;
        }
    }

    [Fact]
    public void NoSpecialTokens_GiveNoSpecialFigures()
    {
        var shape = new AttentionShape(1, 1, 3, 4, 8, 2);
        (float[] query, float[] key, float[] value) = Operands(shape);
        HeadFidelity head = Assert.Single(AttentionFidelity.Measure(query, key, value, shape, specialTokenCount: 0, cancellationToken: TestContext.Current.CancellationToken));
        Assert.True(double.IsNaN(head.SpecialRowDivergence) && double.IsNaN(head.SpecialRowCosine) && double.IsNaN(head.SpecialRowOutputError));
        Assert.True(double.IsFinite(head.MapDivergence) && double.IsFinite(head.OutputError));
    }

    [Fact]
    public void NaN_IsNotHidden()
    {
        var shape = new AttentionShape(1, 2, 3, 4, 8, 2);
        (float[] query, float[] key, float[] value) = Operands(shape);
        query[3] = float.NaN;
        HeadFidelity[] heads = AttentionFidelity.Measure(query, key, value, shape, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(double.IsNaN(heads[0].MapDivergence) && double.IsNaN(heads[0].OutputError));
        Assert.True(double.IsFinite(heads[1].MapDivergence) && double.IsFinite(heads[1].OutputError));
    }

    // One-bit probabilities that underflow keep the divergence finite.
    [Fact]
    public void UnderflowingProbabilities_GiveAFiniteDivergence()
    {
        var shape = new AttentionShape(1, 1, 2, 2, 2, 1);
        HeadFidelity head = Assert.Single(AttentionFidelity.Measure([300, 300, 300, 300], [1, 1, -1, -1], [1, 2], shape, new AttentionOptions { LogitScale = 1e-3f }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.InRange(head.MapDivergence, 10, 88);
    }

    [Fact]
    public void Memory_StaysFarBelowTheMap()
    {
        const int tokens = 1500;
        var shape = new AttentionShape(1, 1, tokens, tokens, 8, 8);
        (float[] query, float[] key, float[] value) = Operands(shape);
        var options = new AttentionOptions { MaxDegreeOfParallelism = 1 };
        var binary = new BinaryAttentionOptions { MaxDegreeOfParallelism = 1 };
        AttentionFidelity.Measure(query, key, value, shape with { QueryLength = 8, KeyLength = 8 }, options, binary, 1, TestContext.Current.CancellationToken);
        long before = GC.GetAllocatedBytesForCurrentThread();
        AttentionFidelity.Measure(query, key, value, shape, options, binary, 1, TestContext.Current.CancellationToken);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 1, (long)tokens * tokens * sizeof(float) / 2);
    }

    [Fact]
    public void Refuses_WhatDoesNotFit()
    {
        var shape = new AttentionShape(1, 1, 3, 4, 8, 2);
        (float[] query, float[] key, float[] value) = Operands(shape);
        Assert.Contains("Layout", Assert.Throws<ArgumentException>(() => AttentionFidelity.Measure(query, key, value, shape, new AttentionOptions { Layout = TensorLayout.TokenHeadDimension }, new BinaryAttentionOptions(), cancellationToken: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionFidelity.Measure(query, key, value, shape, specialTokenCount: 4, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionFidelity.Measure(query, key, value, shape, specialTokenCount: -1, cancellationToken: TestContext.Current.CancellationToken));
        Assert.ThrowsAny<ArgumentException>(() => AttentionFidelity.Measure(query.AsSpan(1), key, value, shape, cancellationToken: TestContext.Current.CancellationToken));
        Assert.ThrowsAny<ArgumentException>(() => AttentionFidelity.Measure(query, key, value, shape with { KeyLength = 0 }, specialTokenCount: 0, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentException>(() => HeadFidelity.Mean([]));
    }

    private static (float[] Query, float[] Key, float[] Value) Operands(AttentionShape shape)
    {
        int keyHeads = shape.KeyHeadCount == 0 ? shape.HeadCount : shape.KeyHeadCount;
        return (
            RandomValues.Uniform(1, shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.HeadDimension, 2),
            RandomValues.Uniform(2, shape.BatchSize * keyHeads * shape.KeyLength * shape.HeadDimension, 2),
            RandomValues.Uniform(3, shape.BatchSize * keyHeads * shape.KeyLength * shape.ValueDimension));
    }

    private static float[] Signs(int seed, int count, float magnitude) => Array.ConvertAll(RandomValues.Uniform(seed, count), value => value >= 0 ? magnitude : -magnitude);
}
