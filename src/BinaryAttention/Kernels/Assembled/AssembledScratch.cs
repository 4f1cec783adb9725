// What one worker needs: two tiles in flight (while one is multiplied, the next one's distances are counted), the sums, and the numerator tables of the slope it met last.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class AssembledScratch : IDisposable
{
    /// <summary>Queries of one work item at most.</summary>
    public const int ItemQueries = 192;

    private const int TableEntries = 256;

    private readonly NativeBuffer _memory;
    private readonly TileFrame _frame;
    private double _slope = double.NaN;

    public AssembledScratch(TileShape tile, TileFrame frame, int keyLength, int panels)
    {
        _frame = frame;
        long distances = (long)KeyCodes.Blocks(keyLength) * tile.Rows * TileFrame.Line;
        long rowState = Lines(tile.Rows * ((2 * sizeof(double)) + sizeof(int)));
        long slot = frame.Bytes + distances + rowState;
        int sums = tile.Rows * tile.PanelChannels * panels;
        bool manyKeys = keyLength > AssembledLimits.ChunkKeys;
        long sumBytes = ((long)sums * sizeof(int)) + (manyKeys ? (long)sums * sizeof(long) : 0);
        _memory = new NativeBuffer((2 * TableEntries) + sumBytes + (2 * slot) + (2L * sizeof(TileSlot)) + (ItemQueries * sizeof(double)));
        Numerators = _memory.Pointer;
        Residuals = (sbyte*)Numerators + TableEntries;
        Sums = (int*)(Numerators + (2 * TableEntries));
        SumCount = sums;
        LongSums = manyKeys ? (long*)(Sums + sums) : null;
        byte* slots = (byte*)Sums + sumBytes;
        First = (TileSlot*)(slots + (2 * slot));
        Second = First + 1;
        Slopes = (double*)(First + 2);
        Place(First, slots, tile, frame, distances);
        Place(Second, slots + slot, tile, frame, distances);
        SetTail(keyLength - ((KeyCodes.Blocks(keyLength) - 1) * KeyCodes.BlockKeys));
    }

    public TileSlot* First { get; }

    public TileSlot* Second { get; }

    /// <summary>Slopes of the work item's queries.</summary>
    public double* Slopes { get; }

    public byte* Numerators { get; }

    public sbyte* Residuals { get; }

    /// <summary>32-bit sums, <c>[panel][row][channel]</c>.</summary>
    public int* Sums { get; }

    public int SumCount { get; }

    /// <summary>64-bit sums, or null where 32 bits hold a row.</summary>
    public long* LongSums { get; }

    /// <summary>Index of the last entry of either table that is not 0.</summary>
    public int LastEntry { get; private set; }

    public void Dispose() => _memory.Dispose();

    /// <summary>Says how many keys the last block of the following runs holds.</summary>
    public void SetTail(int lastKeys)
    {
        for (TileSlot* slot = First; slot <= Second; slot++)
        {
            var mask = new Span<byte>(slot->Frame + _frame.TailMask, TileFrame.Line);
            mask[..lastKeys].Clear();
            mask[lastKeys..].Fill(byte.MaxValue);
        }
    }

    /// <summary>Makes the tables those of a slope; kept while the slope stays the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SetTables(double slope, int entries)
    {
        if (slope == _slope)
        {
            return;
        }

        _slope = slope;
        var numerators = new Span<byte>(Numerators, entries);
        var residuals = new Span<sbyte>(Residuals, entries);
        NumeratorTable.Fill(slope, numerators, residuals);
        LastEntry = Math.Max(numerators.LastIndexOfAnyExcept((byte)0), residuals.LastIndexOfAnyExcept((sbyte)0));
    }

    private static long Lines(long bytes) => (bytes + TileFrame.Line - 1) / TileFrame.Line * TileFrame.Line;

    private static void Place(TileSlot* slot, byte* memory, TileShape tile, TileFrame frame, long distances)
    {
        slot->Frame = memory;
        slot->Distances = memory + frame.Bytes;
        slot->Slopes = (double*)(slot->Distances + distances);
        slot->TableSlopes = slot->Slopes + tile.Rows;
        slot->Minima = (int*)(slot->TableSlopes + tile.Rows);
        new Span<double>(slot->TableSlopes, tile.Rows).Fill(double.NaN);
        new Span<byte>(memory + frame.Limit, TileFrame.Line).Fill(TileFrame.LastEntry);
        new Span<byte>(memory + frame.Ones, TileFrame.Line).Fill(byte.MaxValue);
    }
}
