// Epilogue of a row: output = (sum * factor) * scale + mean, as separate float32 operations, never fused, so that every kernel gives the same bits.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class OutputRow
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(int* sums, long* longSums, float factor, float* scales, float* means, int channels, float* output)
    {
        int channel = 0;
        if (longSums is null)
        {
            Vector256<float> factors = Vector256.Create(factor);
            for (; channel + Vector256<float>.Count <= channels; channel += Vector256<float>.Count)
            {
                Vector256<float> sum = Vector256.ConvertToSingle(Vector256.Load(sums + channel));
                Vector256<float> scaled = sum * factors * Vector256.Load(scales + channel);
                (scaled + Vector256.Load(means + channel)).Store(output + channel);
            }
        }

        for (; channel < channels; channel++)
        {
            float sum = longSums is null ? sums[channel] : longSums[channel];
            output[channel] = (sum * factor * scales[channel]) + means[channel];
        }
    }
}
