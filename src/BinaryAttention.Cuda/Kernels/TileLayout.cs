// Sizes and orders of the packed operands in the workspace, and why they are so.
//   keys:   columns of 32-bit sign words, padded to whole groups of 256; inside each group of 32 keys, column 8T + 2t + e holds key 16 (T >> 1) + 4 t + 2 (T & 1) + e, so that a
//           lane's sums of four neighbouring column tiles T are, in order, the bytes that it must hold of the next product's left operand: no exchange between lanes.
//   values: tiles of 64 keys; in a tile, channel c has 64 bytes at 64 c, and its four chunks of 16 keys are permuted by xor with (c >> 1) & 3, so that eight rows of a matrix load lie
//           in different banks.
//   signs as bytes (SignedBytes): a token has 64 or 128 bytes, +1, -1 and 0 beyond the head dimension; a key's chunks of 16 are permuted by xor with its column (64 bytes: column >> 1) for the
//           same reason.
namespace BinaryAttention.Cuda.Kernels;

/// <param name="HeadDimension">Channels of a query and a key, at most 128.</param>
/// <param name="ValueDimension">Channels of a value, at most 128.</param>
/// <param name="Form">How signs are multiplied, and so how they are stored.</param>
internal readonly record struct TileLayout(int HeadDimension, int ValueDimension, SignProductForm Form = SignProductForm.AndPopcount)
{
    /// <summary>Keys of one tile of values and of one step of the weighting pass.</summary>
    public const int TileKeys = 64;

    /// <summary>Keys are padded to whole groups of so many.</summary>
    public const int GroupKeys = 256;

    /// <summary>Bytes of one channel in a value tile.</summary>
    public const int ChannelBytes = TileKeys;

    /// <summary>Whether signs and their complement fill one product of 256 bits; else of 128.</summary>
    public bool IsWide => HeadDimension > 64;

    /// <summary>Sign words of a token: 2 or 4.</summary>
    public int Words => IsWide ? 4 : 2;

    /// <summary>Bytes of a token's signs.</summary>
    public int TokenBytes => Form == SignProductForm.SignedBytes ? (IsWide ? 128 : 64) : Words * 4;

    /// <summary>Channels padded to whole panels of 32.</summary>
    public int PaddedChannels => (ValueDimension + 31) / 32 * 32;

    public int ValueTileBytes => PaddedChannels * ChannelBytes;

    public int KeyTileBytes => TileKeys * TokenBytes;

    /// <summary>Entries of a stored table: distances 0 .. headDimension in whole groups of eight.</summary>
    public int TableEntries => (HeadDimension + 8) / 8 * 8;

    public static long PaddedKeys(int keys) => (keys + (long)GroupKeys - 1) / GroupKeys * GroupKeys;

    public static long ValueTiles(int keys) => (keys + (long)TileKeys - 1) / TileKeys;

    /// <summary>The column of a key.</summary>
    public static int Column(int key) => (key & ~31) | (key & 16) | ((key & 2) << 2) | ((key & 12) >> 1) | (key & 1);

    /// <summary>The key of column 8T + 2t + e of a group of 32, less 4t: what a lane adds to its own 4t.</summary>
    /// <param name="tile">Column tile T of 8 columns, over all groups.</param>
    /// <param name="element">e.</param>
    public static int KeyOffset(int tile, int element) => (tile / 4 * 32) + (16 * ((tile & 3) >> 1)) + (2 * (tile & 1)) + element;
}
