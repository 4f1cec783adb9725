// What the public door refuses, with names and remedies, before it writes anything; and what it takes: tensor spans, fused projection gradients.
using System.Numerics.Tensors;
using Xunit;

namespace BinaryAttention.Tests.Backward;

public sealed class BackwardDoorTests
{
    private static readonly AttentionShape Shape = new(1, 2, 3, 5, 4, 6);

    private readonly float[] _query = Numbers(24);
    private readonly float[] _key = Numbers(40);
    private readonly float[] _value = Numbers(60);
    private readonly float[] _logSumExp = new float[6];
    private readonly float[] _upstream = Numbers(36);
    private readonly float[] _queryGradient = new float[24];
    private readonly float[] _keyGradient = new float[40];
    private readonly float[] _valueGradient = new float[60];

    [Fact]
    public void Rejects_MissingLogSumExp() => Refused("logSumExp is empty", logSumExp: []);

    [Fact]
    public void Rejects_LogSumExpOfAnotherLength() => Refused("needs 6", logSumExp: new float[5]);

    [Fact]
    public void Rejects_ShortGradients()
    {
        Refused("queryGradient has 23 elements", queryGradient: new float[23]);
        Refused("keyGradient has 39 elements", keyGradient: new float[39]);
        Refused("outputGradient has 35 elements", upstream: new float[35]);
    }

    [Fact]
    public void Rejects_Overlap()
    {
        Refused("queryGradient overlaps query", queryGradient: _query);
        Refused("valueGradient overlaps outputGradient", upstream: _valueGradient.AsSpan(0, 36).ToArray(), valueGradient: null, same: true);
        Refused("keyGradient overlaps queryGradient", queryGradient: _keyGradient);
    }

    [Fact]
    public void Rejects_SecondPlanes_AndCentres()
    {
        Refused("one plane on each side", options: new BinaryAttentionOptions { KeyPlanes = 2 });
        Refused("Apply the linear maps", options: new BinaryAttentionOptions { Calibration = new AttentionCalibration { KeyCentre = new float[8] } });
        Refused("Apply the linear maps", options: new BinaryAttentionOptions { Calibration = new AttentionCalibration { Rotation = new float[32] } });
    }

    [Fact]
    public void Rejects_OptionGradientsWithoutTheirOption()
    {
        ArgumentException bias = Assert.Throws<ArgumentException>(() => Run(new BinaryAttentionOptions(), new float[3], default));
        Assert.Contains("optionGradients.Bias has 3 elements", bias.Message, StringComparison.Ordinal);
        ArgumentException weights = Assert.Throws<ArgumentException>(() => Run(new BinaryAttentionOptions(), default, new float[6]));
        Assert.Contains("optionGradients.RowWeights has 6 elements; Weighting.RowWeights has 0", weights.Message, StringComparison.Ordinal);
        float[] values = Numbers(5);
        var options = new BinaryAttentionOptions { Bias = AttentionBias.PerKey(values, 1, 1, 5) };
        ArgumentException overlap = Assert.Throws<ArgumentException>(() => Run(options, values, default));
        Assert.Contains("overlaps the values", overlap.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rejects_BinaryOptions_ForExactGradients() =>
        Assert.Throws<ArgumentException>(() => Attention.ScaledDotProductBackward(_query, _key, _value, _logSumExp, _upstream, _queryGradient, _keyGradient, _valueGradient, Shape, new BinaryAttentionOptions()));

    [Fact]
    public void Rejects_TensorsThatDiffer()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => Attention.BinaryScaledDotProductBackward(
            new ReadOnlyTensorSpan<float>(_query, [1, 2, 3, 4]), new ReadOnlyTensorSpan<float>(_key, [1, 2, 5, 4]), new ReadOnlyTensorSpan<float>(_value, [1, 2, 5, 6]), _logSumExp,
            new ReadOnlyTensorSpan<float>(_upstream, [1, 2, 3, 6]), new TensorSpan<float>(_queryGradient, [1, 3, 2, 4]), new TensorSpan<float>(_keyGradient, [1, 2, 5, 4]), new TensorSpan<float>(_valueGradient, [1, 2, 5, 6])));
        Assert.Contains("queryGradient is [batch 1, 3 heads, 2 tokens, dimension 4]; query is", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownKernel_IsNamed() => Refused("does not exist", options: new BinaryAttentionOptions { Kernel = "nothing" });

    [Fact]
    public void TensorSpans_GiveWhatSpansGive()
    {
        Attention.BinaryScaledDotProduct(_query, _key, _value, new float[36], Shape, null, _logSumExp);
        Run(new BinaryAttentionOptions(), default, default);
        var (query, key, value) = (new float[24], new float[40], new float[60]);
        Attention.BinaryScaledDotProductBackward(
            new ReadOnlyTensorSpan<float>(_query, [1, 2, 3, 4]), new ReadOnlyTensorSpan<float>(_key, [1, 2, 5, 4]), new ReadOnlyTensorSpan<float>(_value, [1, 2, 5, 6]), _logSumExp,
            new ReadOnlyTensorSpan<float>(_upstream, [1, 2, 3, 6]), new TensorSpan<float>(query, [1, 2, 3, 4]), new TensorSpan<float>(key, [1, 2, 5, 4]), new TensorSpan<float>(value, [1, 2, 5, 6]));
        Assert.Equal(_queryGradient, query);
        Assert.Equal(_keyGradient, key);
        Assert.Equal(_valueGradient, value);
        Assert.Contains(query, static x => x != 0);
    }

    // [batch, tokens, 3 * heads * dimension], as a fused projection has it: each gradient takes its third in place.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void FusedProjection_IsWrittenInPlace(bool isBinary)
    {
        const int Batch = 2, Heads = 3, Tokens = 10, Dimension = 8, Width = Heads * Dimension;
        float[] fused = Numbers(Batch * Tokens * 3 * Width);
        float[] upstream = Numbers(Batch * Tokens * Width);
        var gradient = new float[fused.Length];
        var shape = new AttentionShape(Batch, Heads, Tokens, Tokens, Dimension, Dimension) { QueryTokenStride = 3 * Width, KeyTokenStride = 3 * Width, ValueTokenStride = 3 * Width };
        var logSumExp = new float[Batch * Heads * Tokens];
        Gradients(fused.AsSpan(), fused.AsSpan(Width), fused.AsSpan(2 * Width), gradient.AsSpan(), gradient.AsSpan(Width), gradient.AsSpan(2 * Width), shape);

        var parts = new float[6][];
        for (int part = 0; part < 3; part++)
        {
            parts[part] = [.. Enumerable.Range(0, Batch * Tokens).SelectMany(token => fused.AsSpan((token * 3 * Width) + (part * Width), Width).ToArray())];
            parts[part + 3] = new float[parts[part].Length];
        }

        Gradients(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], new AttentionShape(Batch, Heads, Tokens, Tokens, Dimension, Dimension));
        for (int part = 0; part < 3; part++)
        {
            Assert.Equal(parts[part + 3], Enumerable.Range(0, Batch * Tokens).SelectMany(token => gradient.AsSpan((token * 3 * Width) + (part * Width), Width).ToArray()));
        }

        void Gradients(Span<float> query, Span<float> key, Span<float> value, Span<float> queryGradient, Span<float> keyGradient, Span<float> valueGradient, AttentionShape shape)
        {
            if (isBinary)
            {
                var options = new BinaryAttentionOptions { Layout = TensorLayout.TokenHeadDimension };
                Attention.BinaryScaledDotProduct(query, key, value, new float[upstream.Length], shape, options, logSumExp);
                Attention.BinaryScaledDotProductBackward(query, key, value, logSumExp, upstream, queryGradient, keyGradient, valueGradient, shape, options);
            }
            else
            {
                var options = new AttentionOptions { Layout = TensorLayout.TokenHeadDimension };
                Attention.ScaledDotProduct(query, key, value, new float[upstream.Length], shape, options, logSumExp);
                Attention.ScaledDotProductBackward(query, key, value, logSumExp, upstream, queryGradient, keyGradient, valueGradient, shape, options);
            }
        }
    }

    // Half a token apart, the parts of a fused gradient meet.
    [Fact]
    public void Rejects_FusedPartsThatMeet()
    {
        const int Width = 8;
        var gradient = new float[100];
        var shape = new AttentionShape(1, 1, 4, 4, Width, Width) { QueryTokenStride = 2 * Width, KeyTokenStride = 2 * Width };
        float[] operand = Numbers(100);
        ArgumentException exception = Assert.Throws<ArgumentException>(() => Attention.BinaryScaledDotProductBackward(
            operand, operand, operand, new float[4], Numbers(32), gradient.AsSpan(), gradient.AsSpan(Width / 2), new float[32], shape));
        Assert.Contains("keyGradient overlaps queryGradient", exception.Message, StringComparison.Ordinal);
    }

    private static float[] Numbers(int count) => TestKit.Attention.Inputs.Gaussian(count, count);

    private void Run(BinaryAttentionOptions options, Span<float> bias, Span<float> rowWeights) =>
        Attention.BinaryScaledDotProductBackward(
            _query, _key, _value, _logSumExp, _upstream, _queryGradient, _keyGradient, _valueGradient, Shape, options, new AttentionOptionGradients { Bias = bias, RowWeights = rowWeights });

    private void Refused(string message, float[]? logSumExp = null, float[]? upstream = null, float[]? queryGradient = null, float[]? keyGradient = null, float[]? valueGradient = null, BinaryAttentionOptions? options = null, bool same = false)
    {
        float[] values = valueGradient ?? _valueGradient;
        ReadOnlyMemory<float> outputGradient = same ? values.AsMemory(0, 36) : upstream ?? _upstream;
        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(() => Attention.BinaryScaledDotProductBackward(
            _query, _key, _value, logSumExp ?? _logSumExp, outputGradient.Span, queryGradient ?? _queryGradient, keyGradient ?? _keyGradient, values, Shape, options));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.All(_valueGradient, static x => Assert.Equal(0f, x));
    }
}
