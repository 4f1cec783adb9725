// What a generated kernel is called with; the code reads the fields by offset. Pointers may be null where the kernel lacks the stage that uses them.
using System.Runtime.InteropServices;

namespace BinaryAttention.Kernels.Assembled;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelArguments
{
    /// <summary>Blocks of 64 keys before the last one.</summary>
    public long FullBlocks;

    /// <summary>Groups of 16 keys that hold keys in the last block, 1 to 4.</summary>
    public long TailGranules;

    /// <summary><see cref="TileFrame"/> of the tile whose probabilities and sums are computed.</summary>
    public byte* Current;

    /// <summary><see cref="TileFrame"/> of the tile whose distances are computed.</summary>
    public byte* Next;

    /// <summary>The current tile's distances, replaced by probabilities: <c>[block][row][64]</c>.</summary>
    public byte* Probabilities;

    /// <summary>One panel of values: <c>[key group][channel][4]</c>.</summary>
    public sbyte* Values;

    /// <summary>The panel's 32-bit sums, <c>[row][channel]</c>: added to.</summary>
    public int* Sums;

    /// <summary>Key codes: <c>[block][plane][64]</c>.</summary>
    public byte* Codes;

    /// <summary>Receives the next tile's distances: <c>[block][row][64]</c>.</summary>
    public byte* Distances;

    /// <summary>64 bytes, 255 for the lanes of the last block that hold no key; in fixed-point stages 64 words, the smallest number for those lanes and the largest for the others.</summary>
    public byte* TailMask;

    /// <summary>Mask words of the next tile, bit set = allowed: <c>[block][row]</c>.</summary>
    public ulong* Mask;

    /// <summary>Fixed-point key weights: 64 words a block.</summary>
    public short* KeyWeights;

    /// <summary>Fixed-point bias: 64 words a block, or <c>[block][row][64]</c> words.</summary>
    public short* Bias;

    /// <summary>Floats to fetch: a row of 64 for each row of the tile, bytes from row to row, and bytes from behind the last row to the next block's first.</summary>
    public float* Prefetch;
    public long PrefetchStride;
    public long PrefetchBack;
}
