// The end of a tile: exact row sums from the frame, output = (sum * factor) * scale + mean as separate float32 operations, never fused, so that every kernel gives the same bits.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Kernels.Simd;

namespace BinaryAttention.Kernels.Assembled;

internal static unsafe class TileOutput
{
    private const int Line = TileFrame.Line;
    private const int ResidualBias = 128;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(TileSlot* slot, HeadOperands* head, TileFrame frame, TileShape tile)
    {
        int rows = slot->Queries;
        int* sums = slot->Sums;
        long* longSums = slot->LongSums;
        int panelChannels = tile.PanelChannels;
        int panelSums = tile.Rows * panelChannels;
        long blocks = head->Blocks;
        for (int row = 0; row < rows; row++)
        {
            // Numerators in the low halves, residuals + 128 in the high ones; the low sum stays below 2^32 for 16 million keys.
            ulong packed = Vector512.Sum(Vector512.Load((ulong*)(slot->Frame + frame.RowSums + (row * Line))));
            long numeratorSum = (uint)packed;
            long residualSum = (long)(packed >> 32) - (ResidualBias * Bits.KeyCodes.BlockKeys * blocks);
            double rowMax = Math.Abs(slot->Slopes[row]) * (head->HeadDimension - (2 * slot->Minima[row]));
            RowResult result = RowResult.Tiled(rowMax, numeratorSum, residualSum);
            int query = slot->FirstQuery + row;
            float* output = head->Output + (query * head->OutputStride);
            int remaining = head->ValueDimension;
            for (int panel = 0; panel < head->Panels; panel++)
            {
                int firstChannel = panel * panelChannels;
                long offset = (panel * panelSums) + (row * panelChannels);
                WriteChannels(sums + offset, longSums is null ? null : longSums + offset, result.Factor, head->Scales + firstChannel, head->Means + firstChannel, Math.Min(panelChannels, remaining), output + firstChannel);
                remaining -= panelChannels;
            }

            if (head->LogSumExp is not null)
            {
                head->LogSumExp[query] = result.LogSumExp;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteChannels(int* sums, long* longSums, float factor, float* scales, float* means, int channels, float* output)
    {
        if (longSums is not null || channels % Vector512<float>.Count != 0)
        {
            OutputRow.Write(sums, longSums, factor, scales, means, channels, output);
            return;
        }

        Vector512<float> factors = Vector512.Create(factor);
        for (int channel = 0; channel < channels; channel += Vector512<float>.Count)
        {
            Vector512<float> scaled = Vector512.ConvertToSingle(Vector512.Load(sums + channel)) * factors * Vector512.Load(scales + channel);
            (scaled + Vector512.Load(means + channel)).Store(output + channel);
        }
    }
}
