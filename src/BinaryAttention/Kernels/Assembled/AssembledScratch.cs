// What one worker needs: two tiles in flight (while one is multiplied, the next one's distances are counted), the sums, and the numerator tables of the slope it met last.
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class AssembledScratch : IDisposable
{
    private const int TableEntries = 256;

    private readonly NativeBuffer _memory;
    private double _slope = double.NaN;

    public AssembledScratch(TileShape tile, TileFrame frame, int keyLength, int panels)
    {
        First = new TileSlot(tile, frame, keyLength);
        Second = new TileSlot(tile, frame, keyLength);
        int sums = tile.Rows * tile.PanelChannels * panels;
        bool manyKeys = keyLength > AssembledLimits.ChunkKeys;
        _memory = new NativeBuffer((2 * TableEntries) + ((long)sums * sizeof(int)) + (manyKeys ? (long)sums * sizeof(long) : 0));
        Numerators = _memory.Pointer;
        Residuals = (sbyte*)Numerators + TableEntries;
        Sums = (int*)(Numerators + (2 * TableEntries));
        SumCount = sums;
        LongSums = manyKeys ? (long*)(Sums + sums) : null;
    }

    public TileSlot First { get; }

    public TileSlot Second { get; }

    public byte* Numerators { get; }

    public sbyte* Residuals { get; }

    /// <summary>32-bit sums, <c>[panel][row][channel]</c>.</summary>
    public int* Sums { get; }

    public int SumCount { get; }

    /// <summary>64-bit sums, or null where 32 bits hold a row.</summary>
    public long* LongSums { get; }

    /// <summary>Index of the last entry of either table that is not 0.</summary>
    public int LastEntry { get; private set; }

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        _memory.Dispose();
    }

    /// <summary>Makes the tables those of a slope; kept while the slope stays the same.</summary>
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
}
