// A row of exponentials whose logits do not all fit float32 (weights of 1e20 on both sides, a large bias on top), in double as the reference has it: finite operands must not
// give NaN, nor a row of logits below -3.4e38 pass for a masked one. Rare, so a plain loop.
namespace BinaryAttention.Kernels.Simd;

internal static unsafe class LogitsBeyondFloat
{
    /// <summary>Fills exp(logit - rowMax) and gives their sum; zeros and 0 for a row without an allowed key.</summary>
    /// <param name="distances">Distances as bytes; not read if <paramref name="longDistances"/> is given.</param>
    /// <param name="longDistances">Distances that exceed a byte, or null.</param>
    /// <param name="keys">Keys.</param>
    /// <param name="dimension">Head dimension.</param>
    /// <param name="rowFactor">Row weight times logit scale.</param>
    /// <param name="columnWeights">One weight per key.</param>
    /// <param name="bias">One bias per key, or null.</param>
    /// <param name="exponentials">Receives one exponential per key.</param>
    /// <param name="rowMax">Receives the largest logit.</param>
    public static float Exponentials(byte* distances, int* longDistances, int keys, int dimension, double rowFactor, float* columnWeights, float* bias, float* exponentials, out double rowMax)
    {
        rowMax = double.NegativeInfinity;

        // The usual reason for coming here, found fast.
        if (bias is not null && !new ReadOnlySpan<float>(bias, keys).ContainsAnyExcept(float.NegativeInfinity))
        {
            new Span<float>(exponentials, keys).Clear();
            return 0;
        }

        for (int key = 0; key < keys; key++)
        {
            rowMax = Math.Max(rowMax, Logit(key));
        }

        double sum = 0;
        for (int key = 0; key < keys; key++)
        {
            double exponential = Math.Exp(Logit(key) - rowMax);
            exponentials[key] = (float)exponential;
            sum += exponential;
        }

        return (float)sum;

        double Logit(int key)
        {
            int distance = longDistances is null ? distances[key] : longDistances[key];
            return (rowFactor * columnWeights[key] * (dimension - (2 * distance))) + (bias is null ? 0 : bias[key]);
        }
    }
}
