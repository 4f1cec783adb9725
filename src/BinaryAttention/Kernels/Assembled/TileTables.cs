// Between the two passes over a tile's keys: from each row's smallest distance and slope to the index offsets and tables that the map stage reads, and, for the rare tile whose tables
// do not fit the map stage (headDimension >= 127, a slope so flat that entry 127 is not 0, and keys that lie that far out), the map itself in plain code.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Assembled;

internal static unsafe class TileTables
{
    private const int Line = TileFrame.Line;
    public const int MinimumOfNone = 255;

    /// <summary>What is added to residuals, so that they are bytes without sign.</summary>
    public const byte ResidualBias = 128;


    /// <summary>Prepares the map of one tile and empties its sums. A tile that the map stage cannot take is mapped here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Prepare(AssembledScratch scratch, TileSlot* slot, TileFrame frame, int rows, int dimension, bool isParity)
    {
        bool isWide = dimension > AssembledLimits.NarrowDistances;
        bool fits = true;
        byte* minima = slot->Frame + frame.Minima;
        byte* offsets = slot->Frame + frame.Offsets;
        byte* sums = slot->Frame + frame.RowSums;
        for (int row = 0; row < rows; row++)
        {
            Vector512<byte> lanes = Vector512.Load(minima + (row * Line));
            int minimum = Minimum(lanes);
            slot->Minima[row] = minimum;
            int offset = isWide ? minimum : minimum == MinimumOfNone ? 0 : AssembledLimits.NarrowDistances - minimum;
            Vector512.Create((byte)offset).Store(offsets + (row * Line));
            Vector512<byte>.Zero.Store(sums + (row * Line));
            if (isParity && minimum == MinimumOfNone)
            {
                continue;
            }

            double slope = Math.Abs(slot->Slopes[row]);
            bool isShifted = isWide && minimum > AssembledLimits.NarrowDistances;
            if (isParity || slope != slot->TableSlopes[row] || isShifted)
            {
                SetTables(scratch, slot, row, rows, dimension, isParity);
                byte* tables = slot->Frame + frame.Tables + (row * TileFrame.TableBytes);
                CopyTables(scratch, tables);
                slot->TableSlopes[row] = slope;
                if (isShifted)
                {
                    // Masked keys, 255, become 255 - minimum, which no key can reach: distances are at most 254.
                    Clear(tables, MinimumOfNone - minimum);
                    slot->TableSlopes[row] = double.NaN;
                }
            }

            if (dimension >= TileFrame.LastEntry)
            {
                fits &= FitsFarKeys(scratch, slot, frame, row, rows, dimension, isParity);
            }
        }

        ClearLongSums(scratch, slot);
        slot->SummedKeys = 0;
        slot->Run = 0;
        slot->RunDone = 0;
        slot->MapsByKernel = fits;
        if (!fits)
        {
            MapRows(scratch, slot, frame, rows, dimension, isParity);
        }
    }

    /// <summary>Empties 64-bit sums; the first run of a tile starts the 32-bit ones afresh.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ClearLongSums(AssembledScratch scratch, TileSlot* slot)
    {
        if (slot->LongSums is not null)
        {
            new Span<long>(slot->LongSums, scratch.SumCount).Clear();
        }
    }

    // The tables of a row that sees a key. In TrainingParity its levels depend on all of its distances.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetTables(AssembledScratch scratch, TileSlot* slot, int row, int rows, int dimension, bool isParity)
    {
        double slope = Math.Abs(slot->Slopes[row]);
        if (isParity)
        {
            slot->RowSums[row] = scratch.SetParityTables(slope, slot->Minima[row], slot->Distances + (row * Line), rows * Line, slot->Blocks, dimension);
        }
        else
        {
            scratch.SetTables(slope, dimension + 1);
        }
    }

    // Distances to probabilities in place, and their sums, for all rows of a tile: what the map stage does, with tables of 256 entries.
    private static void MapRows(AssembledScratch scratch, TileSlot* slot, TileFrame frame, int rows, int dimension, bool isParity)
    {
        for (int row = 0; row < rows; row++)
        {
            int minimum = slot->Minima[row];
            if (minimum != MinimumOfNone)
            {
                SetTables(scratch, slot, row, rows, dimension, isParity);
            }

            long numeratorSum = 0;
            long residualSum = 0;
            for (int block = 0; block < slot->Blocks; block++)
            {
                byte* bytes = slot->Distances + ((((long)block * rows) + row) * Line);
                for (int key = 0; key < Line; key++)
                {
                    bool isMasked = bytes[key] == MinimumOfNone;
                    int entry = bytes[key] - minimum;
                    bytes[key] = isMasked ? (byte)0 : scratch.Numerators[entry];
                    numeratorSum += bytes[key];
                    residualSum += ResidualBias + (isMasked ? 0 : scratch.Residuals[entry]);
                }
            }

            ulong* sums = (ulong*)(slot->Frame + frame.RowSums + (row * Line));
            sums[0] = (ulong)numeratorSum | ((ulong)residualSum << 32);
        }
    }

    // Entry 127 must be 0, because everything beyond the table is clamped to it. Where the table says otherwise the entry may still be cleared if no key of the row reaches it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool FitsFarKeys(AssembledScratch scratch, TileSlot* slot, TileFrame frame, int row, int rows, int dimension, bool isParity)
    {
        SetTables(scratch, slot, row, rows, dimension, isParity);
        if (scratch.LastEntry < TileFrame.LastEntry)
        {
            return true;
        }

        byte limit = (byte)Math.Min(MinimumOfNone - 1, slot->Minima[row] + TileFrame.LastEntry - 1);
        Vector512<byte> limits = Vector512.Create(limit);
        Vector512<byte> isBeyond = Vector512<byte>.Zero;
        for (int block = 0; block < slot->Blocks; block++)
        {
            Vector512<byte> distance = Vector512.Load(slot->Distances + ((((long)block * rows) + row) * Line));
            isBeyond |= Vector512.GreaterThan(distance, limits) & ~Vector512.Equals(distance, Vector512<byte>.AllBitsSet);
        }

        if (isBeyond != Vector512<byte>.Zero)
        {
            return false;
        }

        Clear(slot->Frame + frame.Tables + (row * TileFrame.TableBytes), TileFrame.LastEntry);
        slot->TableSlopes[row] = double.NaN;
        return true;
    }

    /// <summary>The scratch tables as the map stage reads them.</summary>
    public static void CopyTables(AssembledScratch scratch, byte* tables)
    {
        Vector512<byte> bias = Vector512.Create(ResidualBias);
        Vector512.Load(scratch.Numerators).Store(tables);
        Vector512.Load(scratch.Numerators + Line).Store(tables + Line);
        (Vector512.Load((byte*)scratch.Residuals) ^ bias).Store(tables + (2 * Line));
        (Vector512.Load((byte*)scratch.Residuals + Line) ^ bias).Store(tables + (3 * Line));
    }

    private static void Clear(byte* tables, int entry)
    {
        tables[entry] = 0;
        tables[(2 * Line) + entry] = ResidualBias;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Minimum(Vector512<byte> lanes)
    {
        Vector256<byte> half = Vector256.Min(lanes.GetLower(), lanes.GetUpper());
        Vector128<byte> quarter = Vector128.Min(half.GetLower(), half.GetUpper());

        // Pairs of bytes first, so that the minimum of 16-bit lanes is that of bytes.
        Vector128<ushort> words = Vector128.Min(quarter, (quarter.AsUInt16() >> 8).AsByte()).AsUInt16() & Vector128.Create((ushort)0xFF);
        return System.Runtime.Intrinsics.X86.Sse41.MinHorizontal(words).ToScalar();
    }
}
