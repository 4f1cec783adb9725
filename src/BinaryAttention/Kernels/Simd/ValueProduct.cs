// Stage C: sums[row][channel] = sum over selected keys of probability * level, exact integers. Keys pass in chunks, so that six rows of probabilities and two panels of values stay in the first-level
// cache; 32-bit sums are emptied into 64-bit ones before they could overflow, which is how any number of keys fits.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class ValueProduct<TInteger, TIntegerLanes>
    where TInteger : struct
    where TIntegerLanes : struct, IIntegerLanes<TInteger>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(BinaryScratch scratch, in ValueLayout layout, sbyte* levels)
    {
        int channels = layout.PaddedChannels;
        new Span<int>(scratch.Sums, BinaryScratch.Rows * channels).Clear();
        if (scratch.LongSums is not null)
        {
            new Span<long>(scratch.LongSums, BinaryScratch.Rows * channels).Clear();
        }

        int summed = 0;
        foreach (KeyRun run in scratch.Selection.Runs)
        {
            // Whole key groups; levels and probabilities are padded with zeros.
            int keys = (run.Keys + TIntegerLanes.GroupKeys - 1) / TIntegerLanes.GroupKeys * TIntegerLanes.GroupKeys;
            for (int key = 0; key < keys; key += BinaryScratch.ChunkKeys)
            {
                int count = Math.Min(BinaryScratch.ChunkKeys, keys - key);
                if (summed + count > IntegerProduct<TInteger, TIntegerLanes>.MaxKeys)
                {
                    EmptySums(scratch, channels);
                    summed = 0;
                }

                MultiplyChunk(scratch, layout, levels, run.Position + key, run.FirstKey + key, count);
                summed += count;
            }
        }

        if (scratch.LongSums is not null)
        {
            EmptySums(scratch, channels);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyChunk(BinaryScratch scratch, in ValueLayout layout, sbyte* levels, int position, int firstKey, int count)
    {
        int panelChannels = layout.PanelChannels;
        byte* probabilities = scratch.Distances + position;
        nint rowBytes = scratch.PaddedKeys;
        if (TIntegerLanes.GroupKeys == 2)
        {
            rowBytes = WidenProbabilities(scratch, probabilities, count);
            probabilities = (byte*)scratch.Words;
        }

        for (int panel = 0; panel < layout.Panels; panel++)
        {
            sbyte* values = levels + (panel * layout.PanelBytes) + ((long)firstKey * panelChannels);
            IntegerProduct<TInteger, TIntegerLanes>.Accumulate(probabilities, rowBytes, values, count / TIntegerLanes.GroupKeys, scratch.Sums + (panel * panelChannels), layout.PaddedChannels);
        }
    }

    private static nint WidenProbabilities(BinaryScratch scratch, byte* probabilities, int count)
    {
        for (int row = 0; row < BinaryScratch.Rows; row++)
        {
            TensorPrimitives.ConvertChecked<byte, ushort>(
                new ReadOnlySpan<byte>(probabilities + ((long)row * scratch.PaddedKeys), count),
                new Span<ushort>(scratch.Words + ((long)row * count), count));
        }

        return count * sizeof(ushort);
    }

    private static void EmptySums(BinaryScratch scratch, int channels)
    {
        for (int i = 0; i < BinaryScratch.Rows * channels; i++)
        {
            scratch.LongSums[i] += scratch.Sums[i];
            scratch.Sums[i] = 0;
        }
    }
}
