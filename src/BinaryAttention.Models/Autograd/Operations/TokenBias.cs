// A bias that the tokens themselves carry, in columns behind the codes of a calibrated projection: one number per key and head, and perhaps factors of a product:
//
//   [... | bias per key [heads] | query factors [heads, rank] | key factors [heads, rank]]        bias_ij = keyBias_j + logitScale * queryFactor_i . keyFactor_j
//
// With factors the bias is handed over as a product whose last column is 1 times the bias per key.
namespace BinaryAttention.Models.Autograd.Operations;

internal sealed class TokenBias(Variable source, int offset, int heads, int rank, float logitScale) : IBiasSource
{
    private readonly int _batch = source.Shape[0], _tokens = source.Shape[1], _columns = rank + 1;

    public bool NeedsGradient => source.RequiresGradient;

    public AttentionBias Create()
    {
        ReadOnlySpan<float> values = source.Values;
        int stride = source.Shape[^1];
        var keys = new float[_batch * heads * _tokens * _columns];
        float[] queries = rank > 0 ? new float[keys.Length] : [];
        for (int i = 0; i < keys.Length / _columns; i++)
        {
            ReadOnlySpan<float> row = Row(values, i, stride, out int head);
            for (int r = 0; r < rank; r++)
            {
                queries[(i * _columns) + r] = Finite(logitScale * row[heads + (head * rank) + r]);
                keys[(i * _columns) + r] = Finite(row[heads + ((heads + head) * rank) + r]);
            }

            keys[(i * _columns) + rank] = Finite(row[head]);
            if (rank > 0)
            {
                queries[(i * _columns) + rank] = 1;
            }
        }

        return rank == 0 ? AttentionBias.PerKey(keys, _batch, heads, _tokens) : AttentionBias.LowRank(queries, keys, _batch, heads, _tokens, _tokens, _columns);
    }

    public void Add(ReadOnlySpan<float> gradient, ReadOnlySpan<float> keyFactors)
    {
        int stride = source.Shape[^1];
        PooledBuffer result = source.Tape.Rent(source.Length);
        result.Span.Clear();
        ReadOnlySpan<float> keys = rank == 0 ? gradient : keyFactors;
        for (int i = 0; i < keys.Length / _columns; i++)
        {
            Span<float> row = Row(result.Span, i, stride, out int head);
            for (int r = 0; r < rank; r++)
            {
                row[heads + (head * rank) + r] = logitScale * gradient[(i * _columns) + r];
                row[heads + ((heads + head) * rank) + r] = keys[(i * _columns) + r];
            }

            row[head] = keys[(i * _columns) + rank];
        }

        source.Adopt(result);
    }

    private Span<float> Row(Span<float> values, int index, int stride, out int head)
    {
        int token = index % _tokens, item = index / _tokens / heads;
        head = index / _tokens % heads;
        return values.Slice((((item * _tokens) + token) * stride) + offset, stride - offset);
    }

    private ReadOnlySpan<float> Row(ReadOnlySpan<float> values, int index, int stride, out int head)
    {
        int token = index % _tokens, item = index / _tokens / heads;
        head = index / _tokens % heads;
        return values.Slice((((item * _tokens) + token) * stride) + offset, stride - offset);
    }

    // A bias may not be NaN or infinite; whatever made it so is in the codes too and gives NaN there.
    private static float Finite(float value) => float.IsFinite(value) ? value : 0;
}
