// Signs and magnitude of one token in one pass: bit c of the words is x[c] >= 0 (so +0 and -0 give 1), and the sum of |x[c]| is taken in double over eight interleaved lanes,
// lane l = c mod 8, folded 4-2-1 at the end. The order is fixed so that every kernel and every vector width gives the same bits; a NaN or infinity anywhere makes the sum non-finite.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Bits;

internal static unsafe class SignRow
{
    private const int Lanes = 8;

    public static int Words(int dimension) => (dimension + 63) / 64;

    /// <summary>Packs one token and gives the sum of its absolute values.</summary>
    /// <param name="channels">The token's channels, contiguous.</param>
    /// <param name="dimension">Number of channels.</param>
    /// <param name="words">Receives <see cref="Words"/> words; bits beyond the dimension are 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Pack(float* channels, int dimension, ulong* words)
    {
        Vector256<double> low = Vector256<double>.Zero;
        Vector256<double> high = Vector256<double>.Zero;
        int wordCount = Words(dimension);
        int vectorEnd = dimension & ~(Lanes - 1);
        for (int word = 0; word < wordCount; word++)
        {
            ulong bits = 0;
            int first = word * 64;
            int end = Math.Min(vectorEnd, first + 64);
            for (int channel = first; channel < end; channel += Lanes)
            {
                Vector256<float> x = Vector256.Load(channels + channel);
                bits |= (ulong)Vector256.GreaterThanOrEqual(x, Vector256<float>.Zero).ExtractMostSignificantBits() << (channel - first);
                (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Abs(x));
                low += lower;
                high += upper;
            }

            words[word] = bits;
        }

        for (int channel = vectorEnd; channel < dimension; channel++)
        {
            float x = channels[channel];
            words[channel / 64] |= (x >= 0 ? 1UL : 0UL) << (channel % 64);
            int lane = channel % Lanes;
            if (lane < 4)
            {
                low = low.WithElement(lane, low.GetElement(lane) + Math.Abs((double)x));
            }
            else
            {
                high = high.WithElement(lane - 4, high.GetElement(lane - 4) + Math.Abs((double)x));
            }
        }

        Vector256<double> four = low + high;
        Vector128<double> two = four.GetLower() + four.GetUpper();
        return two.GetElement(0) + two.GetElement(1);
    }
}
