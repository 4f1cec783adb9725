using BinaryAttention.Shapes;

namespace BinaryAttention;

/// <summary>
/// Joins results of the same queries over disjoint sets of keys (split keys, ring attention): <c>O = (exp(a) A + exp(b) B) / (exp(a) + exp(b))</c> row by row, with a and b the log-sum-exps of the parts.
/// </summary>
/// <remarks>
/// Exact up to float rounding for exact attention and for <see cref="ValueQuantization.Full"/> with weights that do not depend on the split (learned, per token or none): per-head mean magnitudes
/// are those of a part's own keys. <see cref="ValueQuantization.Tiled"/> stays within its error, since each part has its own value scales and means. <see cref="ValueQuantization.TrainingParity"/> is refused:
/// its probabilities are normalised over a part before they are rounded. Very long keys need no splitting by hand: one call takes any number.
/// A row whose logits are beyond float32 has an infinite log-sum-exp and cannot be merged: -infinity is taken for a part without an allowed key.
/// A causal mask is aligned to the last key of its call; mask the parts before the last one by <see cref="AttentionMask.Boolean"/> instead.
/// </remarks>
public static class PartialAttention
{
    /// <summary>Merges one more part into a result.</summary>
    /// <param name="part">Output over other keys, laid out as <paramref name="destination"/>.</param>
    /// <param name="partLogSumExp">Its log-sum-exp <c>[batch, heads, queryLength]</c>.</param>
    /// <param name="destination">The result so far, <c>[batch, heads, queryLength, valueDimension]</c> in the layout of the options; receives the merged one.</param>
    /// <param name="logSumExp">The log-sum-exp so far; receives the merged one.</param>
    /// <param name="shape">The sizes of the calls; keys do not matter.</param>
    /// <param name="options">The options of the calls: their layout, and the check that their results can be merged. Defaults if null.</param>
    /// <exception cref="ArgumentException">Lengths do not fit the shape, memory overlaps, or the options ask for TrainingParity.</exception>
    public static unsafe void Merge(ReadOnlySpan<float> part, ReadOnlySpan<float> partLogSumExp, Span<float> destination, Span<float> logSumExp, in AttentionShape shape, AttentionOptions? options = null)
    {
        if (options is BinaryAttentionOptions { Quantization: ValueQuantization.TrainingParity })
        {
            throw new ArgumentException("Quantization is TrainingParity, whose probabilities were normalised and rounded over one part's keys; such results cannot be merged. Use Tiled or Full, or one call over all keys.", nameof(options));
        }

        (_, _, _, OperandExtent extent) = ShapeChecks.Extents(shape, options?.Layout ?? TensorLayout.HeadTokenDimension);
        ShapeChecks.Length(part.Length, extent with { Name = nameof(part) });
        ShapeChecks.Length(destination.Length, extent);
        RowCount(partLogSumExp.Length, shape, nameof(partLogSumExp));
        RowCount(logSumExp.Length, shape, nameof(logSumExp));
        if (part.Overlaps(destination) || partLogSumExp.Overlaps(logSumExp) || part.Overlaps(logSumExp) || partLogSumExp.Overlaps(destination) || logSumExp.Overlaps(destination))
        {
            throw new ArgumentException("A part and the result overlap in memory. Give each a buffer of its own.", nameof(destination));
        }

        fixed (float* partData = part, destinationData = destination)
        {
            TokenView parts = extent.View(partData);
            TokenView results = extent.View(destinationData);
            for (int row = 0; row < logSumExp.Length; row++)
            {
                int batch = row / shape.QueryLength / shape.HeadCount;
                int head = row / shape.QueryLength % shape.HeadCount;
                int query = row % shape.QueryLength;
                logSumExp[row] = MergeRow(
                    new ReadOnlySpan<float>(parts.Token(batch, head, query), shape.ValueDimension), partLogSumExp[row], new Span<float>(results.Token(batch, head, query), shape.ValueDimension), logSumExp[row]);
            }
        }
    }

    private static float MergeRow(ReadOnlySpan<float> part, float partLogSumExp, Span<float> result, float logSumExp)
    {
        if (float.IsNegativeInfinity(partLogSumExp))
        {
            return logSumExp; // a part without an allowed key
        }

        if (float.IsNegativeInfinity(logSumExp))
        {
            part.CopyTo(result);
            return partLogSumExp;
        }

        double largest = Math.Max((double)partLogSumExp, logSumExp); // NaN propagates
        double partWeight = Math.Exp(partLogSumExp - largest);
        double weight = Math.Exp(logSumExp - largest);
        double total = partWeight + weight;
        for (int channel = 0; channel < result.Length; channel++)
        {
            result[channel] = (float)(((weight * result[channel]) + (partWeight * part[channel])) / total);
        }

        return (float)(largest + Math.Log(total));
    }

    private static void RowCount(int length, in AttentionShape shape, string name)
    {
        long expected = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        if (length != expected)
        {
            throw new ArgumentException($"{name} has {length} elements; [batch, heads, queryLength] = {shape.BatchSize} x {shape.HeadCount} x {shape.QueryLength} needs {expected}.", name);
        }
    }
}
