// What one worker needs: two groups of tiles in flight (while one group is multiplied, the next one's distances are counted), and the numerator tables of the slope it met last.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class AssembledScratch : IDisposable
{
    private const int TableEntries = 256;

    private readonly NativeBuffer _memory;
    private readonly byte* _tails;
    private readonly short* _tailWords;
    private double _slope = double.NaN;

    public AssembledScratch(in TilePlan plan)
    {
        TileShape tile = plan.Tile;
        TileFrame frame = plan.Frame;
        int rows = tile.Rows;
        SumCount = rows * tile.PanelChannels * plan.Panels;
        bool hasLongSums = plan.KeyLength > AssembledLimits.SumKeys;
        long distances = (long)KeyCodes.Blocks(plan.KeyLength) * rows * plan.RowBytes * plan.PlanePairs;
        long sums = (long)SumCount * sizeof(int);
        long longSums = hasLongSums ? (long)SumCount * sizeof(long) : 0;
        int blocks = KeyCodes.Blocks(plan.KeyLength);
        long rowState = Lines(rows * ((3 * sizeof(double)) + (2 * sizeof(int))));

        // With gaps a row's words are first read row by row, then turned.
        long mask = plan.HasMask ? (long)rows * blocks * sizeof(ulong) * (plan.HasGaps ? 2 : 1) : 0;
        long runs = Lines((plan.HasGaps ? (blocks + 1L) / 2 : 1) * sizeof(TileRun));
        long pairBias = plan.HasPairBias ? (long)blocks * rows * KeyCodes.BlockKeys * sizeof(short) : 0;
        long slotBytes = plan.FrameBytes + distances + sums + longSums + rowState + Lines(mask) + runs + pairBias;
        int slotCount = 2 * plan.GroupTiles;
        const int TailMasks = (2 + 4) * TileFrame.Line;
        _memory = new NativeBuffer((2 * TableEntries) + TailMasks + (slotCount * slotBytes) + Lines(plan.ItemQueries * sizeof(double)) + ((long)slotCount * sizeof(TileSlot)));
        Numerators = _memory.Pointer;
        Residuals = (sbyte*)Numerators + TableEntries;
        _tails = Numerators + (2 * TableEntries);
        byte* slots = _tails + TailMasks;
        Slopes = (double*)(slots + (slotCount * slotBytes));
        First = (TileSlot*)((byte*)Slopes + Lines(plan.ItemQueries * sizeof(double)));
        Second = First + plan.GroupTiles;
        for (int i = 0; i < slotCount; i++)
        {
            TileSlot* slot = First + i;
            slot->Frame = slots + (i * slotBytes);
            slot->Distances = slot->Frame + plan.FrameBytes;
            slot->Sums = (int*)(slot->Distances + distances);
            slot->LongSums = hasLongSums ? (long*)((byte*)slot->Sums + sums) : null;
            slot->Slopes = (double*)((byte*)slot->Sums + sums + longSums);
            slot->TableSlopes = slot->Slopes + rows;
            slot->RowSums = slot->TableSlopes + rows;
            slot->Minima = (int*)(slot->RowSums + rows);
            slot->RowKeys = slot->Minima + rows;
            slot->Mask = (ulong*)((byte*)slot->Slopes + rowState);
            slot->MaskWordsPerRow = blocks;
            slot->Runs = (TileRun*)((byte*)slot->Mask + Lines(mask));
            slot->Bias = plan.HasPairBias ? (short*)((byte*)slot->Runs + runs) : null;
            new Span<double>(slot->TableSlopes, rows).Fill(double.NaN);
            if (plan.RowBytes != TileFrame.Line)
            {
                continue;
            }

            new Span<byte>(slot->Frame + frame.Limit, TileFrame.Line).Fill(TileFrame.LastEntry);
            new Span<byte>(slot->Frame + frame.Ones, TileFrame.Line).Fill(byte.MaxValue);
        }

        new Span<byte>(_tails + TileFrame.Line, TileFrame.Line).Fill(byte.MaxValue);
        _tailWords = (short*)(_tails + (2 * TileFrame.Line));
        new Span<short>(_tailWords, KeyCodes.BlockKeys).Fill(short.MaxValue);
        new Span<short>(_tailWords + KeyCodes.BlockKeys, KeyCodes.BlockKeys).Fill(short.MinValue);
    }

    /// <summary>The tiles of one group.</summary>
    public TileSlot* First { get; }

    /// <summary>The tiles of the other group.</summary>
    public TileSlot* Second { get; }

    /// <summary>Slopes of the work item's queries.</summary>
    public double* Slopes { get; }

    public byte* Numerators { get; }

    public sbyte* Residuals { get; }

    /// <summary>32-bit sums of one tile.</summary>
    public int SumCount { get; }

    /// <summary>Index of the last entry of either table that is not 0.</summary>
    public int LastEntry { get; private set; }

    /// <summary>64 bytes, 255 for the lanes beyond the keys of a last block.</summary>
    public byte* Tail(int lastKeys) => _tails + TileFrame.Line - lastKeys;

    /// <summary>64 words, the smallest for the lanes beyond the keys of a last block and the largest for the others.</summary>
    public byte* TailWords(int lastKeys) => (byte*)(_tailWords + KeyCodes.BlockKeys - lastKeys);

    public void Dispose() => _memory.Dispose();

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

    /// <summary>Makes the tables those of TrainingParity for a row: normalised levels, no residuals. Gives the row's sum of exponentials.</summary>
    /// <param name="slope">The row's absolute slope.</param>
    /// <param name="minimum">The row's smallest distance.</param>
    /// <param name="distances">The row's distances in the tile's first block; masked keys are 255.</param>
    /// <param name="blockBytes">Bytes from block to block.</param>
    /// <param name="blocks">Blocks.</param>
    /// <param name="dimension">Head dimension.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public double SetParityTables(double slope, int minimum, byte* distances, nint blockBytes, int blocks, int dimension)
    {
        _slope = double.NaN;
        int* counts = stackalloc int[DistanceHistogram.Entries];
        DistanceHistogram.CountBlocks(distances, blockBytes, blocks, dimension, counts);
        int entries = dimension + 1 - minimum;
        double sum = NumeratorTable.RowSum(slope, new ReadOnlySpan<int>(counts + minimum, entries));
        new Span<byte>(Numerators, 2 * TableEntries).Clear();
        var levels = new Span<byte>(Numerators, entries);
        NumeratorTable.FillProbabilities(slope, sum, levels);
        LastEntry = levels.LastIndexOfAnyExcept((byte)0);
        return sum;
    }

    private static long Lines(long bytes) => (bytes + TileFrame.Line - 1) / TileFrame.Line * TileFrame.Line;
}
