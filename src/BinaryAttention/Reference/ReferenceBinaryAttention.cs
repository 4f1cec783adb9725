// One-bit attention, one row at a time (operator page, "Forward" and "Quantised P and V").
//   Tiled:           out = acc / rowSum * scale + mean,   acc = sum P level, exact
//   TrainingParity:  out = acc / 255 / (s + 1e-6)
//   Full:            out = sum e v / sum e, in double
// The float32 operations of the two 8-bit epilogues are separate multiplications and additions in the order written, as in every kernel.
namespace BinaryAttention.Reference;

internal static class ReferenceBinaryAttention
{
    /// <summary>Computes one output row; returns its log-sum-exp.</summary>
    public static float Row(ReferenceBinaryHead head, int query, Span<float> output)
    {
        if (query >= head.Specification.ValidQueries(head.Batch))
        {
            output.Clear();
            return float.NegativeInfinity;
        }

        if (!head.IsFinite)
        {
            output.Fill(float.NaN);
            return float.NaN;
        }

        if (head.Specification.Quantization == ValueQuantization.Full)
        {
            return FullRow(head, query, output);
        }

        ReferenceRow row = Levels(head, query);
        if (row.IsMasked)
        {
            output.Clear();
            return row.LogSumExp;
        }

        ReferenceValues values = head.Values;
        float inverse = 1f / row.RowSum;
        for (int channel = 0; channel < output.Length; channel++)
        {
            long accumulator = 0;
            for (int key = 0; key < row.Levels.Length; key++)
            {
                accumulator += (long)row.Levels[key] * values.Levels[key, channel];
            }

            output[channel] = head.Specification.Quantization == ValueQuantization.TrainingParity
                ? TrainingParityOutput(accumulator, values.Scales[channel])
                : TiledOutput(accumulator, inverse, values.Scales[channel], values.Means[channel]);
        }

        return row.LogSumExp;
    }

    /// <summary>The 8-bit probabilities of a row, in the modes that have them.</summary>
    public static ReferenceRow Levels(ReferenceBinaryHead head, int query) =>
        head.Specification.IsTableMode ? ReferenceTableRow.Compute(head, query) : ReferenceLogRow.Compute(head, query);

    private static float TiledOutput(long accumulator, float inverse, float scale, float mean)
    {
        float weighted = (float)accumulator * inverse;
        float scaled = weighted * scale;
        return scaled + mean;
    }

    private static float TrainingParityOutput(long accumulator, float scale)
    {
        float probability = (float)accumulator * (1f / 255f);
        return probability * SymmetricQuantizer.Step(scale);
    }

    private static float FullRow(ReferenceBinaryHead head, int query, Span<float> output)
    {
        var row = new double[head.ColumnWeights.Length];
        head.Logits(query, row);
        (double rowMax, double rowSum) = ReferenceSoftmax.Exponentials(row);
        if (rowSum == 0)
        {
            output.Clear();
            return float.NegativeInfinity;
        }

        for (int channel = 0; channel < output.Length; channel++)
        {
            double sum = 0;
            for (int key = 0; key < row.Length; key++)
            {
                // Padded values may be NaN.
                sum += row[key] == 0 ? 0 : row[key] * head.Values.At(key, channel);
            }

            output[channel] = head.Values.IsFinite[channel] ? (float)(sum / rowSum) : float.NaN;
        }

        return (float)(rowMax + Math.Log(rowSum));
    }
}
