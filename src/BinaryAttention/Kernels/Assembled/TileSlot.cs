// One of the tiles that a worker has in flight, as pointers into the worker's memory: its frame, its distances, which keys its rows see, and what the epilogue needs to know about each row.
namespace BinaryAttention.Kernels.Assembled;

internal unsafe struct TileSlot
{
    public byte* Frame;

    /// <summary>Distances, later probabilities: <c>[selected block][row][64]</c>.</summary>
    public byte* Distances;

    /// <summary>32-bit sums, <c>[panel][row][channel]</c>.</summary>
    public int* Sums;

    /// <summary>64-bit sums, or null where 32 bits hold a row.</summary>
    public long* LongSums;

    /// <summary>Keys that went into the 32-bit sums since they were empty.</summary>
    public int SummedKeys;

    /// <summary>The rows' signed slopes: logit = slope * signDot.</summary>
    public double* Slopes;

    /// <summary>The slopes whose tables the frame holds, NaN for none.</summary>
    public double* TableSlopes;

    /// <summary>In TrainingParity, the rows' sums of exponentials.</summary>
    public double* RowSums;

    /// <summary>The rows' smallest distances; 255 for a row without an allowed key.</summary>
    public int* Minima;

    /// <summary>Whether the map stage can read the tables; if not, the tile holds probabilities already.</summary>
    public bool MapsByKernel;

    /// <summary>First query of the tile and how many of its rows count.</summary>
    public int FirstQuery;
    public int Queries;

    /// <summary>Blocks that some row sees, as ascending runs.</summary>
    public TileRun* Runs;
    public int RunCount;

    /// <summary>Selected blocks in all.</summary>
    public int Blocks;

    /// <summary>Keys in the last selected block that some row sees, 1 to 64.</summary>
    public int LastKeys;

    /// <summary>Leading selected keys of each row.</summary>
    public int* RowKeys;

    /// <summary>Whether rows differ in what they see of the selected keys, so that each pair's bit counts.</summary>
    public bool HasMask;

    /// <summary>One bit per selected key, 1 = allowed: <c>[selected block][row]</c>. Filled if <see cref="HasMask"/>.</summary>
    public ulong* Mask;

    /// <summary>Words of a row of the call's masks.</summary>
    public int MaskWordsPerRow;

    /// <summary>Fixed-point bias of the tile's pairs, <c>[selected block][row][64]</c>, or null.</summary>
    public short* Bias;

    /// <summary>Float bias of the tile after this one, and elements from row to row; fetched ahead.</summary>
    public float* Prefetch;
    public nint PrefetchStride;

    /// <summary>In fixed-point log mode, log2 of the units of an octave; else 0.</summary>
    public int FractionBits;

    /// <summary>In fixed-point log mode, logits below this are masked pairs.</summary>
    public int MaskedBelow;

    /// <summary>How far a pass has come: the run, and blocks of it that are done.</summary>
    public int Run;
    public int RunDone;
}
