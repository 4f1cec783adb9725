// One row of exact attention by plain loops, in double: for heads whose values are not all finite under a mask. The tiled kernel multiplies masked pairs by 0, which would turn a NaN that the row
// must not see into its result.
namespace BinaryAttention.Kernels.Simd;

internal static unsafe class PlainExactRow
{
    /// <summary>Computes one row and gives its log-sum-exp.</summary>
    /// <param name="logits">The row's logits; left as exponentials.</param>
    /// <param name="isAllowed">Whether the mask allows a key.</param>
    /// <param name="hasAllowedKey">Whether neither mask nor bias mask some key: then logits that are all -infinity give 0 / 0, else zeros.</param>
    /// <param name="values">Values in panels, <c>[panel][key][column]</c>.</param>
    /// <param name="paddedKeys">Keys of a panel.</param>
    /// <param name="panelColumns">Channels of a panel.</param>
    /// <param name="output">Receives the row.</param>
    public static float Compute(Span<double> logits, ReadOnlySpan<bool> isAllowed, bool hasAllowedKey, float* values, int paddedKeys, int panelColumns, Span<float> output)
    {
        double rowMax = double.NegativeInfinity;
        for (int key = 0; key < logits.Length; key++)
        {
            rowMax = isAllowed[key] ? Math.Max(rowMax, logits[key]) : rowMax;
        }

        if (!hasAllowedKey)
        {
            output.Clear();
            return float.NegativeInfinity;
        }

        double rowSum = 0;
        for (int key = 0; key < logits.Length; key++)
        {
            logits[key] = isAllowed[key] && !double.IsNegativeInfinity(logits[key]) ? Math.Exp(logits[key] - rowMax) : 0;
            rowSum += logits[key];
        }

        for (int channel = 0; channel < output.Length; channel++)
        {
            float* column = values + ((long)(channel / panelColumns) * paddedKeys * panelColumns) + (channel % panelColumns);
            double sum = 0;
            for (int key = 0; key < logits.Length; key++)
            {
                sum += isAllowed[key] ? logits[key] * column[(long)key * panelColumns] : 0;
            }

            output[channel] = (float)(sum / rowSum);
        }

        return (float)(rowMax + Math.Log(rowSum));
    }
}
