// One of the tiles that a worker has in flight, as pointers into the worker's memory: its frame, its distances, and what the epilogue needs to know about each row.
namespace BinaryAttention.Kernels.Assembled;

internal unsafe struct TileSlot
{
    public byte* Frame;

    /// <summary>Distances, later probabilities: <c>[block][row][64]</c>.</summary>
    public byte* Distances;

    /// <summary>32-bit sums, <c>[panel][row][channel]</c>.</summary>
    public int* Sums;

    /// <summary>64-bit sums, or null where 32 bits hold a row.</summary>
    public long* LongSums;

    /// <summary>The rows' signed slopes: logit = slope * signDot.</summary>
    public double* Slopes;

    /// <summary>The slopes whose tables the frame holds, NaN for none.</summary>
    public double* TableSlopes;

    /// <summary>The rows' smallest distances; 255 for a row without an allowed key.</summary>
    public int* Minima;

    /// <summary>Whether the map stage can read the tables; if not, the tile holds probabilities already.</summary>
    public bool MapsByKernel;

    /// <summary>First query of the tile and how many of its rows count.</summary>
    public int FirstQuery;
    public int Queries;
}
