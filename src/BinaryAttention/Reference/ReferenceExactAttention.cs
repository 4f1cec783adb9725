// Exact attention, softmax(query key^T logitScale + bias) value, one row at a time in double.
// NaN and infinities spread as IEEE arithmetic has it, from pairs with a bias of -infinity too: NaN - infinity is NaN and 0 times NaN is NaN. Pairs that the mask excludes take no part
// at all. A row without an allowed key and without a NaN logit is zeros.
namespace BinaryAttention.Reference;

internal static class ReferenceExactAttention
{
    /// <summary>Computes one output row; returns its log-sum-exp.</summary>
    public static float Row(ReferenceInputs inputs, int batch, int head, int query, Span<float> output)
    {
        int keyHead = head / inputs.Specification.HeadsPerKeyHead;
        var row = new double[inputs.Key.TokenCount];
        bool hasAllowedKey = Logits(inputs, batch, head, query, row);
        if (!hasAllowedKey)
        {
            output.Clear();
            return float.NegativeInfinity;
        }

        (double rowMax, double rowSum) = ReferenceSoftmax.Exponentials(row);
        for (int channel = 0; channel < output.Length; channel++)
        {
            double sum = 0;
            for (int key = 0; key < row.Length; key++)
            {
                sum += inputs.Mask.Allows(batch, head, query, key) ? row[key] * inputs.Value.Token(batch, keyHead, key)[channel] : 0;
            }

            // All logits -infinity without a mask leave 0 / 0, which is NaN as in float arithmetic.
            output[channel] = (float)(sum / rowSum);
        }

        return (float)(rowMax + Math.Log(rowSum));
    }

    /// <summary>Fills one row of logits; returns whether any key is allowed or has a NaN logit.</summary>
    public static bool Logits(ReferenceInputs inputs, int batch, int head, int query, Span<double> row)
    {
        int keyHead = head / inputs.Specification.HeadsPerKeyHead;
        ReadOnlySpan<float> queryToken = inputs.Query.Token(batch, head, query);
        bool hasAllowedKey = false;
        for (int key = 0; key < row.Length; key++)
        {
            if (!inputs.Mask.Allows(batch, head, query, key))
            {
                row[key] = double.NegativeInfinity;
                continue;
            }

            ReadOnlySpan<float> keyToken = inputs.Key.Token(batch, keyHead, key);
            double dot = 0;
            for (int channel = 0; channel < queryToken.Length; channel++)
            {
                dot += (double)queryToken[channel] * keyToken[channel];
            }

            row[key] = (dot * inputs.Specification.LogitScale) + inputs.BiasOf(batch, head, query, key);
            hasAllowedKey |= double.IsNaN(row[key]) || !IsMaskedByBias(inputs, batch, head, query, key);
        }

        return hasAllowedKey;
    }

    private static bool IsMaskedByBias(ReferenceInputs inputs, int batch, int head, int query, int key) =>
        inputs.Bias is { } bias && double.IsNegativeInfinity(bias.At(batch, head, query, key));
}
