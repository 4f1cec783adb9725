// A row whose logits may exceed float32: the same exponentials from double logits, in plain loops. Attention is nearly one-hot there, and inputs that large are rare.
//   logit = rowScale * columnWeight * (d - 2 distance) + bias
namespace BinaryAttention.Kernels.Simd;

internal static unsafe class HugeLogitRow
{
    /// <summary>Products of weights, scale and head dimension beyond this take the double path; float32 ends at 3.4e38.</summary>
    public const double Limit = 1e37;

    /// <summary>Writes exp(logit - rowMax) of every key and gives maximum and sum; the maximum is -infinity if no key is allowed.</summary>
    /// <param name="byteDistances">Distances as bytes, unless <paramref name="wideDistances"/> is given.</param>
    /// <param name="wideDistances">Distances as 16-bit numbers, or null.</param>
    /// <param name="keys">Number of keys.</param>
    /// <param name="dimension">Head dimension.</param>
    /// <param name="rowScale">Row weight times logit scale.</param>
    /// <param name="columnWeights">Key weights.</param>
    /// <param name="bias">One row of bias, or null.</param>
    /// <param name="exponentials">Receives the exponentials.</param>
    public static (double RowMax, double RowSum) Exponentials(byte* byteDistances, ushort* wideDistances, int keys, int dimension, double rowScale, float* columnWeights, float* bias, float* exponentials)
    {
        double rowMax = double.NegativeInfinity;
        for (int key = 0; key < keys; key++)
        {
            rowMax = Math.Max(rowMax, Logit(key));
        }

        double rowSum = 0;
        for (int key = 0; key < keys; key++)
        {
            double logit = Logit(key);
            double exponential = double.IsNegativeInfinity(logit) ? 0 : Math.Exp(logit - rowMax);
            exponentials[key] = (float)exponential;
            rowSum += exponential;
        }

        return (rowMax, rowSum);

        double Logit(int key)
        {
            int distance = wideDistances is null ? byteDistances[key] : wideDistances[key];
            return (rowScale * columnWeights[key] * (dimension - (2 * distance))) + (bias is null ? 0 : bias[key]);
        }
    }
}
