// Signed 8-bit levels of one token with one scale: c = x - centre in double, m = max|c|, level = round half to even(c * (127 / m)) in [-127, 127], scale = float32(m / 127). A token of zeros has scale 0 and
// levels 0. Eight channels at a time; the same numbers in any width, since every channel is on its own and a maximum has no order.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Quantization;

internal static unsafe class TokenQuantizer
{
    private const int Lanes = 8;

    /// <summary>The mean of each channel over some tokens: summed in double in the order of the tokens, rounded once. NaN or infinite where a channel is.</summary>
    public static void Means(float* tokens, nint tokenStride, int count, Span<float> means, Span<double> sums)
    {
        sums.Clear();
        for (int token = 0; token < count; token++)
        {
            AddTo(sums, new ReadOnlySpan<float>(tokens + (token * tokenStride), sums.Length));
        }

        for (int channel = 0; channel < means.Length; channel++)
        {
            means[channel] = count == 0 ? 0 : (float)(sums[channel] / count);
        }
    }

    /// <summary>Quantises one token; gives its scale, or NaN if it holds a NaN or infinity (its levels are then undefined).</summary>
    /// <param name="token">The channels.</param>
    /// <param name="centre">What is taken off each channel, or null.</param>
    /// <param name="channels">Number of channels.</param>
    /// <param name="levels">Receives one level per channel; written up to the next multiple of eight.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Quantize(float* token, float* centre, int channels, sbyte* levels)
    {
        Vector256<double> low = Vector256<double>.Zero;
        Vector256<double> high = Vector256<double>.Zero;

        // x - x is 0 for finite x and NaN otherwise; the sum remembers it.
        Vector256<float> nonFinite = Vector256<float>.Zero;
        for (int first = 0; first < channels; first += Lanes)
        {
            Vector256<float> value = Load(token, first, channels);
            nonFinite += value - value;
            (Vector256<double> lower, Vector256<double> upper) = Centred(value, centre, first, channels);
            low = Vector256.MaxNative(low, Vector256.Abs(lower));
            high = Vector256.MaxNative(high, Vector256.Abs(upper));
        }

        if (!Vector256.EqualsAll(nonFinite, Vector256<float>.Zero))
        {
            return float.NaN;
        }

        Vector256<double> largest = Vector256.Max(low, high);
        double maximum = Math.Max(Math.Max(largest[0], largest[1]), Math.Max(largest[2], largest[3]));
        Vector256<double> multiplier = Vector256.Create(maximum > 0 ? 127.0 / maximum : 0);
        for (int first = 0; first < channels; first += Lanes)
        {
            (Vector256<double> lower, Vector256<double> upper) = Centred(Load(token, first, channels), centre, first, channels);

            // Whole numbers in [-127, 127], exact in float.
            Vector256<int> rounded = Vector256.ConvertToInt32Native(Vector256.Narrow(Vector256.Round(lower * multiplier), Vector256.Round(upper * multiplier)));
            Vector128<short> words = Vector128.Narrow(rounded.GetLower(), rounded.GetUpper());
            *(long*)(levels + first) = Vector128.Narrow(words, words).AsInt64()[0];
        }

        return (float)(maximum / 127.0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTo(Span<double> sums, ReadOnlySpan<float> token)
    {
        fixed (double* sum = sums)
        {
            fixed (float* value = token)
            {
                int channel = 0;
                for (; channel + Lanes <= token.Length; channel += Lanes)
                {
                    (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Load(value + channel));
                    (Vector256.Load(sum + channel) + lower).Store(sum + channel);
                    (Vector256.Load(sum + channel + 4) + upper).Store(sum + channel + 4);
                }

                for (; channel < token.Length; channel++)
                {
                    sum[channel] += value[channel];
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<double> Lower, Vector256<double> Upper) Centred(Vector256<float> value, float* centre, int first, int channels)
    {
        (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(value);
        if (centre is null)
        {
            return (lower, upper);
        }

        (Vector256<double> lowerCentre, Vector256<double> upperCentre) = Vector256.Widen(Load(centre, first, channels));
        return (lower - lowerCentre, upper - upperCentre);
    }

    // Channels beyond the last are 0: they change no maximum and their levels are 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Load(float* channels, int first, int count)
    {
        if (first + Lanes <= count)
        {
            return Vector256.Load(channels + first);
        }

        Vector256<float> partial = Vector256<float>.Zero;
        for (int lane = 0; lane < count - first; lane++)
        {
            partial = partial.WithElement(lane, channels[first + lane]);
        }

        return partial;
    }
}
