// Signs and magnitude of one token in one pass: bit c of the words is x[c] >= threshold (0: +0 and -0 give 1; the smallest denormal: they give 0), and the sum of |x[c]| is taken in double over eight
// interleaved lanes, lane l = c mod 8, folded 4-2-1 at the end. The order is fixed so that every kernel and every vector width gives the same bits; a NaN or infinity anywhere makes the sum
// non-finite. The second plane of a token does the same with what the first leaves over, x[c] -+ weight in double.
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
    /// <param name="threshold">The smallest number whose bit is 1.</param>
    /// <param name="words">Receives <see cref="Words"/> words; bits beyond the dimension are 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Pack(float* channels, int dimension, float threshold, ulong* words)
    {
        Vector256<double> low = Vector256<double>.Zero;
        Vector256<double> high = Vector256<double>.Zero;
        Vector256<float> smallest = Vector256.Create(threshold);
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
                bits |= (ulong)Vector256.GreaterThanOrEqual(x, smallest).ExtractMostSignificantBits() << (channel - first);
                (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Abs(x));
                low += lower;
                high += upper;
            }

            words[word] = bits;
        }

        for (int channel = vectorEnd; channel < dimension; channel++)
        {
            float x = channels[channel];
            words[channel / 64] |= (x >= threshold ? 1UL : 0UL) << (channel % 64);
            AddToLane(ref low, ref high, channel, x);
        }

        return Fold(low, high);
    }

    /// <summary>Packs the second plane of one token and gives the sum of the absolute values that the first leaves over.</summary>
    /// <param name="channels">The token's channels, contiguous.</param>
    /// <param name="dimension">Number of channels.</param>
    /// <param name="threshold">The smallest number whose bit is 1.</param>
    /// <param name="firstWords">Signs of the first plane.</param>
    /// <param name="firstWeight">Weight of the first plane.</param>
    /// <param name="words">Receives the signs of the second plane.</param>
    public static double PackRest(float* channels, int dimension, float threshold, ulong* firstWords, float firstWeight, ulong* words)
    {
        // "> 0" in double is ">= the smallest denormal of double".
        double smallest = threshold == 0 ? 0 : double.Epsilon;
        Vector256<double> low = Vector256<double>.Zero;
        Vector256<double> high = Vector256<double>.Zero;
        new Span<ulong>(words, Words(dimension)).Clear();
        for (int channel = 0; channel < dimension; channel++)
        {
            bool isPositive = ((firstWords[channel / 64] >> (channel % 64)) & 1) != 0;
            double rest = channels[channel] - (isPositive ? (double)firstWeight : -(double)firstWeight);
            words[channel / 64] |= (rest >= smallest ? 1UL : 0UL) << (channel % 64);
            AddToLane(ref low, ref high, channel, rest);
        }

        return Fold(low, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddToLane(ref Vector256<double> low, ref Vector256<double> high, int channel, double x)
    {
        int lane = channel % Lanes;
        if (lane < 4)
        {
            low = low.WithElement(lane, low.GetElement(lane) + Math.Abs(x));
        }
        else
        {
            high = high.WithElement(lane - 4, high.GetElement(lane - 4) + Math.Abs(x));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Fold(Vector256<double> low, Vector256<double> high)
    {
        Vector256<double> four = low + high;
        Vector128<double> two = four.GetLower() + four.GetUpper();
        return two.GetElement(0) + two.GetElement(1);
    }
}
