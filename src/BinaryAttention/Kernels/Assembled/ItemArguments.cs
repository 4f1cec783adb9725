// What a kernel for a whole work item is called with; the code reads the fields by offset and uses some of them as variables.
using System.Runtime.InteropServices;

namespace BinaryAttention.Kernels.Assembled;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ItemArguments
{
    /// <summary>Blocks of 64 keys before the last one.</summary>
    public long FullBlocks;

    /// <summary>Tiles of the item, at least 1; counted down.</summary>
    public long Tiles;

    /// <summary><see cref="TileFrame"/> of the tile in hand.</summary>
    public byte* Frame;

    /// <summary>Query codes, <c>[query][plane]</c>, each four times; a tile more than there are tiles.</summary>
    public byte* QueryCodes;

    /// <summary>Tables of the first tile's rows, and bytes from tile to tile: 0 where all rows share their tables.</summary>
    public byte* Tables;
    public long TableStep;

    /// <summary>Two buffers for distances, <c>[block][row][64]</c>, which take turns.</summary>
    public byte* Distances;
    public byte* Probabilities;

    /// <summary>Key codes: <c>[block][plane][64]</c>.</summary>
    public byte* Codes;

    /// <summary>64 bytes, 255 for the lanes of the last block that hold no key.</summary>
    public byte* TailMask;

    /// <summary>Values: <c>[key group][channel][4]</c>.</summary>
    public sbyte* Values;

    /// <summary>Factor and mean of each channel.</summary>
    public float* Scales;
    public float* Means;

    /// <summary>Output of the first query, of the last one, and bytes from one to the next. Rows beyond the last query repeat it, in its place.</summary>
    public float* Output;
    public float* LastOutput;
    public long OutputStride;

    /// <summary>What padding adds to a row's packed sums: 128 for every lane, in the upper half.</summary>
    public ulong SumBias;

    /// <summary>1 / 254 and 1.</summary>
    public float ResidualUnit;
    public float One;

    /// <summary>128: what an offset is the smallest distance's difference from.</summary>
    public int NarrowDistances;

    /// <summary>Channels of the last vector, one bit each.</summary>
    public long LastChannels;
}
