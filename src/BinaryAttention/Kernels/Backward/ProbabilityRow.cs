// One row of exponentials, exp(logit - shift), with the forward pass's log-sum-exp as the shift. Their sum would be 1 if that number were exact; it is float32, and in Tiled mode the sum of rounded
// terms, so rows are divided by their own sum: the gradient is then that of softmax at these very logits, and a log-sum-exp of other operands does no harm. Where the shift is of no use (not
// finite, or far off) the caller computes the row in another way.
using System.Runtime.CompilerServices;
using BinaryAttention.Kernels.Simd;

namespace BinaryAttention.Kernels.Backward;

internal static unsafe class ProbabilityRow<TVector, TLanes>
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    // Far from where exponentials leave float32.
    private const double MostSum = 1024;

    // exp(80) is finite, and one such term makes the sum useless.
    private const float MostExponent = 80f;

    /// <summary>Whether a row's sum came from a shift near its log-sum-exp.</summary>
    public static bool IsUsable(double sum) => sum is > 1 / MostSum and < MostSum;

    /// <summary>Replaces logits by exponentials and gives their sum.</summary>
    /// <param name="logits">Logits in, exponentials out; -infinity for masked keys.</param>
    /// <param name="keys">Keys that the row counts.</param>
    /// <param name="paddedKeys">Entries that receive 0 beyond them; a multiple of 64.</param>
    /// <param name="shift">What is subtracted.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Exponentials(float* logits, int keys, int paddedKeys, float shift)
    {
        if (!float.IsFinite(shift))
        {
            return double.NaN;
        }

        new Span<float>(logits + keys, paddedKeys - keys).Fill(float.NegativeInfinity);
        int end = (keys + TLanes.Count - 1) / TLanes.Count * TLanes.Count;
        TVector subtracted = TLanes.Create(shift);
        TVector limit = TLanes.Create(-MostExponent);
        TVector minusOne = TLanes.Create(-1f);
        double total = 0;
        for (int first = 0; first < end; first += BinaryScratch.ChunkKeys)
        {
            TVector sum = TLanes.Zero;
            int chunkEnd = Math.Min(end, first + BinaryScratch.ChunkKeys);
            for (int key = first; key < chunkEnd; key += TLanes.Count)
            {
                // min(x, 80) as -max(-x, -80).
                TVector negative = TLanes.Max(TLanes.Subtract(subtracted, TLanes.Load(logits + key)), limit);
                TVector exponential = FloatExponential<TVector, TLanes>.Exp(TLanes.Multiply(negative, minusOne));
                TLanes.Store(exponential, logits + key);
                sum = TLanes.Add(sum, exponential);
            }

            total += TLanes.Sum(sum);
        }

        new Span<float>(logits + end, paddedKeys - end).Clear();
        return total;
    }
}
