// 8-bit values of one (batch, head), per channel (operator page, "Quantised P and V").
//   Tiled:          centred on the mean over the tokens, scale = max / 127:          v ~ level * scale + mean
//   TrainingParity: not centred, s = 127 / (max + 1e-6), level = round(v * s):       v ~ level / (s + 1e-6)
// Sums run over tokens in order, in double; a channel that holds a NaN or infinity gets a NaN mean, so that its whole output column is NaN.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Quantization;

internal static unsafe class ValueQuantizer
{
    private const int Lanes = 8;

    /// <summary>Quantises and lays out all channels of one head.</summary>
    /// <param name="values">Token 0, contiguous channels.</param>
    /// <param name="tokenStride">Elements from token to token.</param>
    /// <param name="layout">Sizes and the layout of <paramref name="levels"/>.</param>
    /// <param name="quantization">Tiled or TrainingParity.</param>
    /// <param name="levels">Receives the levels; must be zeroed.</param>
    /// <param name="scales">Receives the factor of each channel, <see cref="ValueLayout.PaddedChannels"/> long.</param>
    /// <param name="means">Receives the mean of each channel (0 for TrainingParity), equally long.</param>
    public static void Quantize(float* values, nint tokenStride, in ValueLayout layout, ValueQuantization quantization, sbyte* levels, float* scales, float* means)
    {
        double* multipliers = stackalloc double[Lanes];
        double* centres = stackalloc double[Lanes];
        float* column = stackalloc float[Lanes];
        for (int first = 0; first < layout.ValueDimension; first += Lanes)
        {
            int count = Math.Min(Lanes, layout.ValueDimension - first);
            if (quantization == ValueQuantization.Tiled)
            {
                MeasureTiled(values + first, tokenStride, layout.KeyLength, count, column, multipliers, centres, scales + first, means + first);
                WriteTiled(values, tokenStride, layout, first, count, column, multipliers, centres, levels);
            }
            else
            {
                for (int lane = 0; lane < count; lane++)
                {
                    TrainingParityChannel(values + first + lane, tokenStride, layout, first + lane, levels, scales, means);
                }
            }
        }
    }

    private static void MeasureTiled(float* values, nint tokenStride, int tokens, int count, float* column, double* multipliers, double* centres, float* scales, float* means)
    {
        Vector256<double> low = Vector256<double>.Zero;
        Vector256<double> high = Vector256<double>.Zero;
        for (int token = 0; token < tokens; token++)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(LoadChannels(values + (token * tokenStride), count, column));
            low += lower;
            high += upper;
        }

        for (int lane = 0; lane < Lanes; lane++)
        {
            double sum = lane < 4 ? low.GetElement(lane) : high.GetElement(lane - 4);
            centres[lane] = (float)(sum / tokens);
        }

        Vector256<double> lowCentre = Vector256.Load(centres);
        Vector256<double> highCentre = Vector256.Load(centres + 4);
        low = Vector256<double>.Zero;
        high = Vector256<double>.Zero;
        for (int token = 0; token < tokens; token++)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(LoadChannels(values + (token * tokenStride), count, column));
            low = Vector256.Max(low, Vector256.Abs(lower - lowCentre));
            high = Vector256.Max(high, Vector256.Abs(upper - highCentre));
        }

        for (int lane = 0; lane < Lanes; lane++)
        {
            double largest = lane < 4 ? low.GetElement(lane) : high.GetElement(lane - 4);
            bool finite = double.IsFinite(centres[lane]);
            multipliers[lane] = finite && largest > 0 ? 127.0 / largest : 0;
            if (lane < count)
            {
                scales[lane] = finite ? (float)(largest / 127.0) : 0;
                means[lane] = finite ? (float)centres[lane] : float.NaN;
            }

            centres[lane] = finite ? centres[lane] : 0;
        }
    }

    private static void WriteTiled(float* values, nint tokenStride, in ValueLayout layout, int first, int count, float* column, double* multipliers, double* centres, sbyte* levels)
    {
        Vector256<double> lowCentre = Vector256.Load(centres);
        Vector256<double> highCentre = Vector256.Load(centres + 4);
        Vector256<double> lowMultiplier = Vector256.Load(multipliers);
        Vector256<double> highMultiplier = Vector256.Load(multipliers + 4);
        int* rounded = stackalloc int[Lanes];
        sbyte* panel = levels + layout.Offset(0, first);
        nint groupStride = (nint)layout.PanelChannels * layout.GroupKeys;
        for (int token = 0; token < layout.KeyLength; token++)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(LoadChannels(values + first + (token * tokenStride), count, column));
            Vector256<double> lowLevel = Vector256.Round((lower - lowCentre) * lowMultiplier);
            Vector256<double> highLevel = Vector256.Round((upper - highCentre) * highMultiplier);
            Vector256<float> level = Vector256.Narrow(lowLevel, highLevel);
            Vector256.ConvertToInt32(level).Store(rounded);
            sbyte* destination = panel + (token / layout.GroupKeys * groupStride) + (token % layout.GroupKeys);
            for (int lane = 0; lane < count; lane++)
            {
                // A multiplier of 0 stands for a constant or non-finite channel; 0 * infinity is NaN, which converts to 0.
                destination[lane * layout.GroupKeys] = (sbyte)Math.Clamp(rounded[lane], -127, 127);
            }
        }
    }

    private static void TrainingParityChannel(float* channel, nint tokenStride, in ValueLayout layout, int index, sbyte* levels, float* scales, float* means)
    {
        float largest = 0;
        bool finite = true;
        for (int token = 0; token < layout.KeyLength; token++)
        {
            float value = channel[token * tokenStride];
            finite &= float.IsFinite(value);
            largest = Math.Max(largest, Math.Abs(value));
        }

        float scale = 127f / (largest + 1e-6f);
        scales[index] = finite ? 1f / (scale + 1e-6f) : 0;
        means[index] = finite ? 0 : float.NaN;
        if (!finite)
        {
            return;
        }

        for (int token = 0; token < layout.KeyLength; token++)
        {
            float level = MathF.Round(channel[token * tokenStride] * scale, MidpointRounding.ToEven);
            levels[layout.Offset(token, index)] = (sbyte)Math.Clamp(level, -127f, 127f);
        }
    }

    // A panel of eight channels starts inside one layout panel because panels hold a multiple of eight channels.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> LoadChannels(float* channels, int count, float* column)
    {
        if (count == Lanes)
        {
            return Vector256.Load(channels);
        }

        for (int lane = 0; lane < count; lane++)
        {
            column[lane] = channels[lane];
        }

        return Vector256.Load(column);
    }
}
