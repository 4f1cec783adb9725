namespace BinaryAttention.Kernels.Assembled;

/// <summary>Neighbouring blocks of 64 keys that some row of a tile may see.</summary>
internal struct TileRun
{
    /// <summary>The first block.</summary>
    public int FirstBlock;

    /// <summary>Number of blocks.</summary>
    public int Blocks;

    /// <summary>Where the first block stands among the tile's selected blocks.</summary>
    public int Position;
}
