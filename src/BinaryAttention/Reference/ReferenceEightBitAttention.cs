// 8-bit attention, one row at a time: softmax of the logits in double, then values in double (Full) or P = round(255 e), 8-bit centred values and the row sum of the unrounded e (Tiled).
// The float32 operations of Tiled's epilogue are separate, in the order written, as in one-bit attention.
namespace BinaryAttention.Reference;

internal static class ReferenceEightBitAttention
{
    /// <summary>Computes one output row; returns its log-sum-exp.</summary>
    public static float Row(ReferenceEightBitHead head, int query, Span<float> output)
    {
        if (query >= head.ValidQueries)
        {
            output.Clear();
            return float.NegativeInfinity;
        }

        if (!head.IsFinite)
        {
            output.Fill(float.NaN);
            return float.NaN;
        }

        var row = new double[head.KeyScales.Length];
        head.Logits(query, row);
        (double rowMax, double rowSum) = ReferenceSoftmax.Exponentials(row);
        if (rowSum == 0)
        {
            output.Clear();
            return float.NegativeInfinity;
        }

        for (int channel = 0; channel < output.Length; channel++)
        {
            output[channel] = head.Quantization == ValueQuantization.Full ? Full(head, row, rowSum, channel) : Tiled(head, row, rowSum, channel);
        }

        return (float)(rowMax + Math.Log(rowSum) + head.CommonLogit(query));
    }

    private static float Full(ReferenceEightBitHead head, double[] row, double rowSum, int channel)
    {
        double sum = 0;
        for (int key = 0; key < row.Length; key++)
        {
            // Padded values may be NaN.
            sum += row[key] == 0 ? 0 : row[key] * head.Values.At(key, channel);
        }

        return head.Values.IsFinite[channel] ? (float)(sum / rowSum) : float.NaN;
    }

    private static float Tiled(ReferenceEightBitHead head, double[] row, double rowSum, int channel)
    {
        long accumulator = 0;
        for (int key = 0; key < row.Length; key++)
        {
            accumulator += (long)ProbabilityQuantizer.Level(row[key]) * head.Values.Levels[key, channel];
        }

        float weighted = (float)accumulator * (1f / (float)(255.0 * rowSum));
        float scaled = weighted * head.Values.Scales[channel];
        return scaled + head.Values.Means[channel];
    }
}
