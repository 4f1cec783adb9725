// Tiled quantisation of 32 channels at a time with 512-bit vectors; gives the same bits as ValueQuantizer's own loops and is called by them. Two passes instead of three: the largest distance from the
// mean follows from the smallest and the largest value, because rounding is monotone: max |fl(v - m)| = max(fl(vMax - m), fl(m - vMin)).
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Quantization;

internal static unsafe class TiledValues512
{
    private const int Lanes = 16;
    private const int Channels = 2 * Lanes;
    private const int GroupKeys = 4;

    /// <summary>Quantises as many leading channels as come in whole strips and gives their number.</summary>
    public static int Quantize(float* values, nint tokenStride, int tokens, in ValueLayout layout, sbyte* levels, float* scales, float* means)
    {
        if (!Avx512F.IsSupported || layout.GroupKeys != GroupKeys || layout.PanelChannels % Lanes != 0)
        {
            return 0;
        }

        int first = 0;
        for (; first + Channels <= layout.ValueDimension; first += Channels)
        {
            Strip(values + first, tokenStride, tokens, layout.PanelChannels * GroupKeys, levels + layout.Offset(0, first), levels + layout.Offset(0, first + Lanes), scales + first, means + first);
        }

        return first;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Strip(float* values, nint tokenStride, int tokens, nint groupBytes, sbyte* firstLevels, sbyte* secondLevels, float* scales, float* means)
    {
        double* centres = stackalloc double[Channels];
        double* multipliers = stackalloc double[Channels];
        FindCentres(values, tokenStride, tokens, centres, multipliers, scales, means);
        Vector512<double> centre0 = Vector512.Load(centres), centre1 = Vector512.Load(centres + 8);
        Vector512<double> centre2 = Vector512.Load(centres + 16), centre3 = Vector512.Load(centres + 24);
        Vector512<double> multiplier0 = Vector512.Load(multipliers), multiplier1 = Vector512.Load(multipliers + 8);
        Vector512<double> multiplier2 = Vector512.Load(multipliers + 16), multiplier3 = Vector512.Load(multipliers + 24);
        for (int token = 0; token < tokens; token += GroupKeys)
        {
            Vector512<int> first = Vector512<int>.Zero;
            Vector512<int> second = Vector512<int>.Zero;
            int count = Math.Min(GroupKeys, tokens - token);
            for (int key = 0; key < count; key++)
            {
                float* row = values + ((token + key) * tokenStride);
                first |= Levels(Vector512.Load(row), centre0, centre1, multiplier0, multiplier1) << (8 * key);
                second |= Levels(Vector512.Load(row + Lanes), centre2, centre3, multiplier2, multiplier3) << (8 * key);
            }

            first.AsSByte().Store(firstLevels);
            second.AsSByte().Store(secondLevels);
            firstLevels += groupBytes;
            secondLevels += groupBytes;
        }
    }

    // Sixteen levels as bytes of 32-bit lanes. The conversion rounds halves to even; NaN lanes (non-finite channels) convert to a number whose low byte is 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Levels(Vector512<float> value, Vector512<double> lowCentre, Vector512<double> highCentre, Vector512<double> lowMultiplier, Vector512<double> highMultiplier)
    {
        (Vector512<double> low, Vector512<double> high) = Vector512.Widen(value);
        Vector256<int> lowLevels = Avx512F.ConvertToVector256Int32((low - lowCentre) * lowMultiplier);
        Vector256<int> highLevels = Avx512F.ConvertToVector256Int32((high - highCentre) * highMultiplier);
        return Vector512.Create(lowLevels, highLevels) & Vector512.Create(0xFF);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FindCentres(float* values, nint tokenStride, int tokens, double* centres, double* multipliers, float* scales, float* means)
    {
        Vector512<double> sum0 = Vector512<double>.Zero, sum1 = Vector512<double>.Zero, sum2 = Vector512<double>.Zero, sum3 = Vector512<double>.Zero;
        Vector512<float> smallest0 = Vector512.Create(float.PositiveInfinity), smallest1 = smallest0;
        Vector512<float> largest0 = Vector512.Create(float.NegativeInfinity), largest1 = largest0;
        for (int token = 0; token < tokens; token++)
        {
            Vector512<float> first = Vector512.Load(values + (token * tokenStride));
            Vector512<float> second = Vector512.Load(values + (token * tokenStride) + Lanes);
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(first);
            sum0 += low;
            sum1 += high;
            (low, high) = Vector512.Widen(second);
            sum2 += low;
            sum3 += high;
            smallest0 = Vector512.MinNative(smallest0, first);
            smallest1 = Vector512.MinNative(smallest1, second);
            largest0 = Vector512.MaxNative(largest0, first);
            largest1 = Vector512.MaxNative(largest1, second);
        }

        float* smallest = stackalloc float[Channels];
        float* largest = stackalloc float[Channels];
        sum0.Store(centres);
        sum1.Store(centres + 8);
        sum2.Store(centres + 16);
        sum3.Store(centres + 24);
        smallest0.Store(smallest);
        smallest1.Store(smallest + Lanes);
        largest0.Store(largest);
        largest1.Store(largest + Lanes);
        for (int channel = 0; channel < Channels; channel++)
        {
            double centre = (float)(centres[channel] / tokens);
            centres[channel] = centre;

            // A non-finite value makes the channel's mean non-finite, whatever the extremes made of it.
            double size = Math.Max(Math.Abs(largest[channel] - centre), Math.Abs(smallest[channel] - centre));
            bool finite = double.IsFinite(centre);
            multipliers[channel] = finite && size > 0 ? 127.0 / size : 0;
            scales[channel] = finite ? (float)(size / 127.0) : 0;
            means[channel] = finite ? (float)centre : float.NaN;
        }
    }
}
