// Runs a case through the public door: forward for the log-sum-exp, then backward, between canaries and with NaN wherever a stride skips elements.
namespace BinaryAttention.Tests.Backward;

internal static class BackwardRunner
{
    private const float Canary = -1234.5678f;
    private const int CanaryElements = 40;

    public static BackwardResult Run(BackwardCase c, string? kernel = null, int? threads = null, Action<float[][]>? change = null)
    {
        float[][] operands = Operands(c);
        change?.Invoke(operands);
        AttentionShape shape = c.Shape;
        Strided query = new(c, operands[0], c.Heads, c.Queries, c.HeadDimension, shape.QueryTokenStride);
        Strided key = new(c, operands[1], c.KeyHeads, c.Keys, c.HeadDimension, shape.KeyTokenStride);
        Strided value = new(c, operands[2], c.KeyHeads, c.Keys, c.ValueDimension, shape.ValueTokenStride);
        Strided upstream = new(c, operands[3], c.Heads, c.Queries, c.ValueDimension, shape.DestinationTokenStride);
        var output = new float[upstream.Data.Length];
        var logSumExp = new float[c.Batch * c.Heads * c.Queries];
        float[] queryGradient = Canaries(query.Data.Length);
        float[] keyGradient = Canaries(key.Data.Length);
        float[] valueGradient = Canaries(value.Data.Length);
        AttentionOptions options = c.Options(kernel, threads);
        SignWeighting? weighting = (options as BinaryAttentionOptions)?.Weighting;
        var bias = new float[options.Bias?.Values.Length ?? 0];
        var keyFactors = new float[options.Bias?.KeyFactors.Length ?? 0];
        var rowWeights = new float[weighting?.RowWeights.Length ?? 0];
        var columnWeights = new float[weighting?.ColumnWeights.Length ?? 0];
        Array.Fill(bias, Canary);
        Array.Fill(rowWeights, Canary);
        Array.Fill(columnWeights, Canary);
        var optionGradients = new AttentionOptionGradients { Bias = bias, BiasKeyFactors = keyFactors, RowWeights = rowWeights, ColumnWeights = columnWeights };
        if (options is BinaryAttentionOptions binary)
        {
            Attention.BinaryScaledDotProduct(query.Data, key.Data, value.Data, output, shape, binary, logSumExp);
            Attention.BinaryScaledDotProductBackward(
                query.Data, key.Data, value.Data, logSumExp, upstream.Data, Inner(queryGradient), Inner(keyGradient), Inner(valueGradient), shape, binary, optionGradients);
        }
        else
        {
            Attention.ScaledDotProduct(query.Data, key.Data, value.Data, output, shape, options, logSumExp);
            Attention.ScaledDotProductBackward(
                query.Data, key.Data, value.Data, logSumExp, upstream.Data, Inner(queryGradient), Inner(keyGradient), Inner(valueGradient), shape, options, optionGradients);
        }

        return new BackwardResult(query.Read(queryGradient), key.Read(keyGradient), value.Read(valueGradient), bias, keyFactors, rowWeights, columnWeights);
    }

    /// <summary>Query, key, value and output gradient, dense.</summary>
    public static float[][] Operands(BackwardCase c)
    {
        float[] query = c.Numbers(1, c.Batch * c.Heads * c.Queries * c.HeadDimension);
        float[] key = c.Numbers(2, c.Batch * c.KeyHeads * c.Keys * c.HeadDimension);
        float[] value = c.Numbers(3, c.Batch * c.KeyHeads * c.Keys * c.ValueDimension);
        query[0] = 0f;
        key[^1] = -0f;
        query[^1] = 1f;
        key[0] = -1f;
        value[0] = 2f;
        return [query, key, value, c.Numbers(4, c.Batch * c.Heads * c.Queries * c.ValueDimension)];
    }

    private static Span<float> Inner(float[] guarded) => guarded.AsSpan(CanaryElements, guarded.Length - (2 * CanaryElements));

    private static float[] Canaries(int length)
    {
        var guarded = new float[length + (2 * CanaryElements)];
        Array.Fill(guarded, Canary);
        return guarded;
    }

    // An operand in the case's layout and stride, as short as the shape allows.
    private sealed class Strided
    {
        private readonly BackwardCase _case;
        private readonly int _heads;
        private readonly int _tokens;
        private readonly int _dimension;
        private readonly int _stride;

        public Strided(BackwardCase c, float[] dense, int heads, int tokens, int dimension, int tokenStride)
        {
            (_case, _heads, _tokens, _dimension) = (c, heads, tokens, dimension);
            bool tokensFirst = c.Layout == TensorLayout.TokenHeadDimension;
            _stride = tokenStride != 0 ? tokenStride : tokensFirst ? heads * dimension : dimension;
            Data = new float[Index(c.Batch - 1, heads - 1, tokens - 1) + dimension];
            Array.Fill(Data, float.NaN);
            ForEachToken((row, index) => dense.AsSpan(row * dimension, dimension).CopyTo(Data.AsSpan(index)));
        }

        public float[] Data { get; }

        // Checks that nothing but the tokens was written.
        public float[] Read(float[] guarded)
        {
            var dense = new float[_case.Batch * _heads * _tokens * _dimension];
            ForEachToken((row, index) =>
            {
                Span<float> token = guarded.AsSpan(CanaryElements + index, _dimension);
                token.CopyTo(dense.AsSpan(row * _dimension));
                token.Fill(Canary);
            });
            Xunit.Assert.False(guarded.AsSpan().ContainsAnyExcept(Canary), $"The call wrote between or outside the tokens of a gradient: {_case}.");
            return dense;
        }

        private int Index(int batch, int head, int token) => _case.Layout == TensorLayout.TokenHeadDimension
            ? (((batch * _tokens) + token) * _stride) + (head * _dimension)
            : ((((batch * _heads) + head) * _tokens) + token) * _stride;

        private void ForEachToken(Action<int, int> action)
        {
            for (int row = 0; row < _case.Batch * _heads * _tokens; row++)
            {
                action(row, Index(row / _tokens / _heads, row / _tokens % _heads, row % _tokens));
            }
        }
    }
}
