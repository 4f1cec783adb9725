// Numbers of fixed-point log mode: how many units an octave gets, and conversions of floats to 16-bit words.
//
// With S the largest sign product in octaves (its sign part |rowWeight * keyWeight * scale| * d * log2 e) and B the largest bias, logits lie within S + B and a masked pair's below S - 32768; it must
// stay 16 octaves below the row's maximum, where the exponential is 0: (2 S + B + 16) 2^f <= 32767.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Kernels.Assembled;

internal static unsafe class FixedPoint
{
    /// <summary>Coarser units cost more than 8-bit probabilities do where few keys share a row: twice the ideal error at 7 bits, in a case of one channel with a large bias. Such heads take float rows.</summary>
    public const int MinFractionBits = 9;

    public const int MaxFractionBits = 10;

    /// <summary>Octaves below the maximum from which the exponential is 0.</summary>
    public const int Octaves = 16;

    private const int BlockKeys = Bits.KeyCodes.BlockKeys;

    /// <summary>The number of fraction bits for given bounds in octaves, or 0 if 16 bits do not suffice.</summary>
    /// <param name="signPart">Largest sign product.</param>
    /// <param name="step">Largest sign product of one channel times the fraction that a unit of distance stands for.</param>
    /// <param name="bias">Largest bias.</param>
    public static int FractionBits(double signPart, double step, double bias)
    {
        for (int bits = MaxFractionBits; bits >= MinFractionBits; bits--)
        {
            double units = 1 << bits;
            if (((2 * signPart) + bias + Octaves) * units <= short.MaxValue - 4 && step * units <= short.MaxValue)
            {
                return bits;
            }
        }

        return 0;
    }

    /// <summary>The largest absolute value, -infinity left out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float LargestFinite(float* values, int count)
    {
        Vector512<float> largest = Vector512<float>.Zero;
        int i = 0;
        for (; i + Vector512<float>.Count <= count; i += Vector512<float>.Count)
        {
            Vector512<float> value = Vector512.Abs(Vector512.Load(values + i));
            largest = Vector512.Max(largest, Vector512.ConditionalSelect(Vector512.LessThan(value, Vector512.Create(float.PositiveInfinity)), value, Vector512<float>.Zero));
        }

        float result = 0;
        for (int lane = 0; lane < Vector512<float>.Count; lane++)
        {
            result = Math.Max(result, largest.GetElement(lane));
        }

        for (; i < count; i++)
        {
            float value = Math.Abs(values[i]);
            result = float.IsInfinity(value) ? result : Math.Max(result, value);
        }

        return result;
    }

    /// <summary>round(value * scale), saturated to 16 bits; -infinity becomes -32768. Writes whole vectors of 16 and reads no further than the count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Convert(float* values, int count, float scale, short* words)
    {
        Vector512<float> factor = Vector512.Create(scale);
        int i = 0;
        for (; i + Vector512<float>.Count <= count; i += Vector512<float>.Count)
        {
            Avx512F.ConvertToVector256Int16WithSaturation(Avx512F.ConvertToVector512Int32(Vector512.Load(values + i) * factor)).Store(words + i);
        }

        for (; i < count; i++)
        {
            words[i] = (short)Math.Clamp(MathF.Round(values[i] * scale), short.MinValue, short.MaxValue);
        }
    }

    /// <summary>Converts a row block by block, <paramref name="blockStride"/> words from block to block, and gives the largest absolute value, -infinity left out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ConvertRow(float* values, int count, float scale, short* words, nint blockStride)
    {
        Vector512<float> factor = Vector512.Create(scale);
        Vector512<float> infinity = Vector512.Create(float.PositiveInfinity);
        Vector512<float> largest = Vector512<float>.Zero;
        int whole = count & ~(BlockKeys - 1);
        for (int key = 0; key < whole; key += BlockKeys)
        {
            for (int part = 0; part < BlockKeys; part += Vector512<float>.Count)
            {
                Vector512<float> value = Vector512.Load(values + key + part);
                Vector512<float> size = Vector512.Abs(value);
                largest = Vector512.Max(largest, Vector512.ConditionalSelect(Vector512.LessThan(size, infinity), size, Vector512<float>.Zero));
                Avx512F.ConvertToVector256Int16WithSaturation(Avx512F.ConvertToVector512Int32(value * factor)).Store(words + part);
            }

            words += blockStride;
        }

        float result = 0;
        for (int lane = 0; lane < Vector512<float>.Count; lane++)
        {
            result = Math.Max(result, largest.GetElement(lane));
        }

        Convert(values + whole, count - whole, scale, words);
        return Math.Max(result, LargestFinite(values + whole, count - whole));
    }
}
