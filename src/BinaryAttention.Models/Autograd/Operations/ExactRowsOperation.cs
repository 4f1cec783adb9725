// The first rows of an attention's output replaced by exact attention: special tokens of a calibrated model. Per item, queries of the first tokens against all keys.
namespace BinaryAttention.Models.Autograd.Operations;

internal static class ExactRowsOperation
{
    /// <summary>Replaces the rows of the first tokens.</summary>
    /// <param name="attended"><c>[batch, tokens, heads * dimension]</c>.</param>
    /// <param name="queryKeyValue"><c>[batch, tokens, 3 * heads * dimension]</c>.</param>
    /// <param name="headCount">Heads.</param>
    /// <param name="count">Tokens that are exact.</param>
    public static Variable WithExactRows(this Variable attended, Variable queryKeyValue, int headCount, int count)
    {
        Tape tape = attended.Tape;
        int batch = attended.Shape[0], tokens = attended.Shape[1], inner = attended.Shape[2], stride = queryKeyValue.Shape[2];
        var shape = new AttentionShape(1, headCount, count, tokens, inner / headCount, inner / headCount) { QueryTokenStride = stride, KeyTokenStride = stride, ValueTokenStride = stride };
        var options = new AttentionOptions { Layout = TensorLayout.TokenHeadDimension, MaxDegreeOfParallelism = tape.Workspace.ThreadCount };
        Variable y = tape.Create(tape.Named("exact_rows"), [.. attended.Shape]), logSumExp = tape.Create(tape.Named("exact_rows.log_sum_exp"), batch, headCount, count);
        attended.Buffer.Span.CopyTo(y.Buffer.Span);
        for (int item = 0; item < batch; item++)
        {
            ReadOnlySpan<float> rows = queryKeyValue.Buffer.Span.Slice(item * tokens * stride, tokens * stride);
            Attention.ScaledDotProduct(rows, rows[inner..], rows[(2 * inner)..], y.Buffer.Span.Slice(item * tokens * inner, count * inner), shape, options, logSumExp.Buffer.Span.Slice(item * headCount * count, headCount * count));
        }

        return tape.Record(y, attended.RequiresGradient || queryKeyValue.RequiresGradient, () =>
        {
            PooledBuffer rest = tape.Rent(attended.Length), projected = tape.Rent(queryKeyValue.Length);
            y.GradientBuffer.Span.CopyTo(rest.Span);
            projected.Span.Clear();
            for (int item = 0; item < batch; item++)
            {
                ReadOnlySpan<float> rows = queryKeyValue.Buffer.Span.Slice(item * tokens * stride, tokens * stride);
                Span<float> upstream = rest.Span.Slice(item * tokens * inner, count * inner), gradient = projected.Span.Slice(item * tokens * stride, tokens * stride);
                Attention.ScaledDotProductBackward(
                    rows, rows[inner..], rows[(2 * inner)..], logSumExp.Values.Slice(item * headCount * count, headCount * count), upstream, gradient, gradient[inner..], gradient[(2 * inner)..], shape, options);
                upstream.Clear();
            }

            attended.Adopt(rest);
            if (queryKeyValue.RequiresGradient)
            {
                queryKeyValue.Adopt(projected);
            }
            else
            {
                tape.Return(projected);
            }

            logSumExp.Release(alsoRetained: true);
        });
    }
}
