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
    public static void Write(TileSlot* slot, HeadOperands* head, TileFrame frame, TileShape tile, bool isParity)
    {
        int rows = slot->Queries;
        long lanes = (long)slot->Blocks * Bits.KeyCodes.BlockKeys;
        byte* rowSums = slot->Frame + frame.RowSums;
        if (TakesWholeVectors(slot, head) && slot->Blocks > 0)
        {
            WriteWholeVectors(slot, head, tile, rowSums, lanes, isParity);
            return;
        }

        for (int row = 0; row < rows; row++)
        {
            if (slot->Blocks == 0 || slot->Minima[row] == TileTables.MinimumOfNone)
            {
                WriteRow(slot, head, tile, row, RowResult.Masked);
                continue;
            }

            double rowMax = Math.Abs(slot->Slopes[row]) * (head->HeadDimension - (2 * slot->Minima[row]));
            if (isParity)
            {
                WriteRow(slot, head, tile, row, RowResult.TrainingParity(rowMax, slot->RowSums[row]));
                continue;
            }

            // Numerators in the low halves, residuals + 128 in the high ones; the low sum stays below 2^32 for 16 million keys.
            ulong packed = Vector512.Sum(Vector512.Load((ulong*)(rowSums + (row * Line))));
            long numeratorSum = (uint)packed;
            long residualSum = (long)(packed >> 32) - (ResidualBias * lanes);
            WriteRow(slot, head, tile, row, RowResult.Tiled(rowMax, numeratorSum, residualSum));
        }
    }

    private static bool TakesWholeVectors(TileSlot* slot, HeadOperands* head) =>
        head->Panels == 1 && slot->LongSums is null && head->LogSumExp is null && head->ValueDimension % Vector512<float>.Count == 0;

    // The usual case, at a fraction of the instructions: short rows spend as much time here as on their keys otherwise. The same operations in the same order as RowResult and WriteRow.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteWholeVectors(TileSlot* slot, HeadOperands* head, TileShape tile, byte* rowSums, long lanes, bool isParity)
    {
        int rows = slot->Queries;
        int vectors = tile.Vectors;
        long bias = ResidualBias * lanes;
        nint stride = head->OutputStride;
        float* factors = stackalloc float[rows];
        for (int row = 0; row < rows; row++)
        {
            ulong packed = Vector512.Sum(Vector512.Load((ulong*)(rowSums + (row * Line))));
            float rowSum = (float)(long)(uint)packed + ((float)((long)(packed >> 32) - bias) * (1f / 254f));
            factors[row] = isParity ? 1f / 255f : 1f / rowSum;
        }

        float* output = head->Output + (slot->FirstQuery * stride);
        int* sums = slot->Sums;
        for (int vector = 0; vector < vectors; vector++)
        {
            int channel = vector * Vector512<float>.Count;
            Vector512<float> scales = Vector512.Load(head->Scales + channel);
            Vector512<float> means = Vector512.Load(head->Means + channel);
            int* rowSum = sums + channel;
            float* destination = output + channel;
            for (int row = 0; row < rows; row++)
            {
                Vector512<float> scaled = Vector512.ConvertToSingle(Vector512.Load(rowSum)) * Vector512.Create(factors[row]) * scales;
                (scaled + means).Store(destination);
                rowSum += vectors * Vector512<float>.Count;
                destination += stride;
            }
        }

        for (int row = 0; row < rows; row++)
        {
            if (slot->Minima[row] == TileTables.MinimumOfNone)
            {
                WriteRow(slot, head, tile, row, RowResult.Masked);
            }
        }
    }

    /// <summary>Writes one row from its 32- or 64-bit sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteRow(TileSlot* slot, HeadOperands* head, TileShape tile, int row, RowResult result)
    {
        int query = slot->FirstQuery + row;
        float* output = head->Output + (query * head->OutputStride);
        if (head->LogSumExp is not null)
        {
            head->LogSumExp[query] = result.LogSumExp;
        }

        int remaining = head->ValueDimension;
        if (result.IsMasked)
        {
            // Not 0 times the sums: a NaN value must not reach a row that sees no key.
            new Span<float>(output, remaining).Clear();
            return;
        }

        int panelChannels = tile.PanelChannels;
        for (int panel = 0; panel < head->Panels; panel++)
        {
            int firstChannel = panel * panelChannels;
            long offset = ((long)panel * tile.Rows * panelChannels) + (row * panelChannels);
            WriteChannels(slot->Sums + offset, slot->LongSums is null ? null : slot->LongSums + offset, result.Factor, head->Scales + firstChannel, head->Means + firstChannel, Math.Min(panelChannels, remaining), output + firstChannel);
            remaining -= panelChannels;
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
