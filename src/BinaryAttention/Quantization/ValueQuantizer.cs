// 8-bit values of one (batch, head), per channel (operator page, "Quantised P and V").
//   Tiled:          centred on the mean over the tokens, scale = max / 127:          v ~ level * scale + mean
//   TrainingParity: not centred, s = 1 / (max + 1e-6) * 127, level = round(v * s):       v ~ level / (s + 1e-6)
// Tiled sums run over tokens in order, in double; TrainingParity is float32 as the training code has it. A channel that holds a NaN or infinity gets a NaN mean, so that its
// whole output column is NaN. Eight channels at a time; panels of the layout hold a multiple of eight, so eight channels never straddle two panels.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Quantization;

internal static unsafe class ValueQuantizer
{
    private const int Lanes = 8;

    /// <summary>Quantises and lays out all channels of one head.</summary>
    /// <param name="values">Token 0, contiguous channels.</param>
    /// <param name="tokenStride">Elements from token to token.</param>
    /// <param name="tokens">Valid tokens; the others' levels stay 0.</param>
    /// <param name="layout">Sizes and the layout of <paramref name="levels"/>.</param>
    /// <param name="quantization">Tiled or TrainingParity.</param>
    /// <param name="levels">Receives the levels; must be zeroed.</param>
    /// <param name="scales">Receives the factor of each channel, <see cref="ValueLayout.PaddedChannels"/> long.</param>
    /// <param name="means">Receives the mean of each channel (0 for TrainingParity), equally long.</param>
    public static void Quantize(float* values, nint tokenStride, int tokens, in ValueLayout layout, ValueQuantization quantization, sbyte* levels, float* scales, float* means)
    {
        int done = quantization == ValueQuantization.Tiled ? TiledValues512.Quantize(values, tokenStride, tokens, layout, levels, scales, means) : 0;
        for (int first = done; first < layout.ValueDimension; first += Lanes)
        {
            int count = Math.Min(Lanes, layout.ValueDimension - first);
            sbyte* destination = levels + layout.Offset(0, first);
            if (quantization == ValueQuantization.Tiled)
            {
                QuantizeTiled(values + first, tokenStride, tokens, layout, count, destination, scales + first, means + first);
            }
            else
            {
                QuantizeTrainingParity(values + first, tokenStride, tokens, layout, count, destination, scales + first, means + first);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void QuantizeTiled(float* values, nint tokenStride, int tokens, in ValueLayout layout, int count, sbyte* levels, float* scales, float* means)
    {
        Vector256<double> low = Vector256<double>.Zero;
        Vector256<double> high = Vector256<double>.Zero;
        for (int token = 0; token < tokens; token++)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(LoadChannels(values + (token * tokenStride), count));
            low += lower;
            high += upper;
        }

        double* centres = stackalloc double[Lanes];
        double* multipliers = stackalloc double[Lanes];
        for (int lane = 0; lane < Lanes; lane++)
        {
            centres[lane] = (float)((lane < 4 ? low.GetElement(lane) : high.GetElement(lane - 4)) / tokens);
        }

        Vector256<double> lowCentre = Vector256.Load(centres);
        Vector256<double> highCentre = Vector256.Load(centres + 4);
        low = Vector256<double>.Zero;
        high = Vector256<double>.Zero;
        for (int token = 0; token < tokens; token++)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(LoadChannels(values + (token * tokenStride), count));
            low = Vector256.MaxNative(low, Vector256.Abs(lower - lowCentre));
            high = Vector256.MaxNative(high, Vector256.Abs(upper - highCentre));
        }

        for (int lane = 0; lane < Lanes; lane++)
        {
            // A non-finite value makes the channel's mean non-finite, whatever the maximum made of it.
            double largest = lane < 4 ? low.GetElement(lane) : high.GetElement(lane - 4);
            bool finite = double.IsFinite(centres[lane]);
            multipliers[lane] = finite && largest > 0 ? 127.0 / largest : 0;
            if (lane < count)
            {
                scales[lane] = finite ? (float)(largest / 127.0) : 0;
                means[lane] = finite ? (float)centres[lane] : float.NaN;
            }
        }

        Vector256<double> lowMultiplier = Vector256.Load(multipliers);
        Vector256<double> highMultiplier = Vector256.Load(multipliers + 4);
        for (int token = 0; token < tokens; token += layout.GroupKeys)
        {
            Vector256<int> group = Vector256<int>.Zero;
            for (int key = 0; key < layout.GroupKeys && token + key < tokens; key++)
            {
                (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(LoadChannels(values + ((token + key) * tokenStride), count));
                Vector256<double> lowLevel = Vector256.Round((lower - lowCentre) * lowMultiplier);
                Vector256<double> highLevel = Vector256.Round((upper - highCentre) * highMultiplier);

                // Levels lie in [-127, 127] because the multiplier came from the same maximum; they are exact in float. NaN lanes (non-finite channels) convert to a
                // value whose low byte is 0.
                group |= Place(Vector256.Narrow(lowLevel, highLevel), key);
            }

            StoreGroup(group, layout.GroupKeys, count, levels + (token * (nint)layout.PanelChannels));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void QuantizeTrainingParity(float* values, nint tokenStride, int tokens, in ValueLayout layout, int count, sbyte* levels, float* scales, float* means)
    {
        Vector256<float> largest = Vector256<float>.Zero;

        // x - x is 0 for finite x and NaN otherwise; the sum remembers it.
        Vector256<float> nonFinite = Vector256<float>.Zero;
        for (int token = 0; token < tokens; token++)
        {
            Vector256<float> value = LoadChannels(values + (token * tokenStride), count);
            largest = Vector256.MaxNative(largest, Vector256.Abs(value));
            nonFinite += value - value;
        }

        float* multipliers = stackalloc float[Lanes];
        for (int lane = 0; lane < Lanes; lane++)
        {
            bool finite = !float.IsNaN(nonFinite.GetElement(lane));
            float scale = 1f / (largest.GetElement(lane) + 1e-6f) * 127f;
            multipliers[lane] = finite ? scale : 0;
            if (lane < count)
            {
                scales[lane] = finite ? 1f / (scale + 1e-6f) : 0;
                means[lane] = finite ? 0 : float.NaN;
            }
        }

        Vector256<float> multiplier = Vector256.Load(multipliers);
        Vector256<float> limit = Vector256.Create(127f);
        for (int token = 0; token < tokens; token += layout.GroupKeys)
        {
            Vector256<int> group = Vector256<int>.Zero;
            for (int key = 0; key < layout.GroupKeys && token + key < tokens; key++)
            {
                Vector256<float> level = Vector256.Round(LoadChannels(values + ((token + key) * tokenStride), count) * multiplier);
                group |= Place(Vector256.MinNative(Vector256.MaxNative(level, -limit), limit), key);
            }

            StoreGroup(group, layout.GroupKeys, count, levels + (token * (nint)layout.PanelChannels));
        }
    }

    // The levels of one key as byte number `key` of each channel's 32-bit lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Place(Vector256<float> levels, int key) =>
        (Vector256.ConvertToInt32Native(levels) & Vector256.Create(0xFF)) << (8 * key);

    // [channel][key in group]: four keys fill the 32-bit lanes, two keys their lower halves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreGroup(Vector256<int> group, int groupKeys, int count, sbyte* destination)
    {
        if (count < Lanes)
        {
            for (int lane = 0; lane < count; lane++)
            {
                for (int key = 0; key < groupKeys; key++)
                {
                    destination[(lane * groupKeys) + key] = (sbyte)(group.GetElement(lane) >> (8 * key));
                }
            }
        }
        else if (groupKeys == 4)
        {
            group.AsSByte().Store(destination);
        }
        else
        {
            Vector128.Narrow(group.GetLower().AsUInt32(), group.GetUpper().AsUInt32()).AsSByte().Store(destination);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> LoadChannels(float* channels, int count)
    {
        if (count == Lanes)
        {
            return Vector256.Load(channels);
        }

        Vector256<float> partial = Vector256<float>.Zero;
        for (int lane = 0; lane < count; lane++)
        {
            partial = partial.WithElement(lane, channels[lane]);
        }

        return partial;
    }
}
