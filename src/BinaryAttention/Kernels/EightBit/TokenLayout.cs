// How the levels of keys and queries lie for the integer product, which takes unsigned bytes on the left and signed bytes on the right. Queries are rows of level + 128, keys panels of
// [key panel][channel group][key in panel][channel in group]:
//   (level + 128) . keyLevel - 128 sum(keyLevel) = level . keyLevel
// Sums start at the second term, so that the first makes them the product. 255 * 127 * 65,536 channels is below 2^31; that the start is negative only widens the room.
namespace BinaryAttention.Kernels.EightBit;

/// <param name="HeadDimension">Channels.</param>
/// <param name="KeyLength">Keys.</param>
/// <param name="PanelKeys">Keys in one panel: two vectors of 32-bit sums; divides 64.</param>
/// <param name="GroupChannels">Channels that one multiply-accumulate sums: 4 (bytes) or 2 (16-bit).</param>
internal readonly record struct TokenLayout(int HeadDimension, int KeyLength, int PanelKeys, int GroupChannels)
{
    /// <summary>What is added to a query level to make it an unsigned byte.</summary>
    public const int Offset = 128;

    /// <summary>Channels padded to whole groups of eight, which the quantiser writes.</summary>
    public int PaddedChannels => (HeadDimension + 7) / 8 * 8;

    /// <summary>Groups that hold channels.</summary>
    public int Groups => (HeadDimension + GroupChannels - 1) / GroupChannels;

    /// <summary>Keys padded to whole blocks of 64.</summary>
    public int PaddedKeys => Bits.KeyCodes.Blocks(KeyLength) * Bits.KeyCodes.BlockKeys;

    /// <summary>Bytes of a query: its group is four bytes, of 16-bit numbers where two make a group.</summary>
    public int QueryBytes => PaddedChannels * 4 / GroupChannels;

    public long PanelBytes => (long)PaddedChannels * PanelKeys;

    public long KeyBytes => PanelBytes * (PaddedKeys / PanelKeys);

    /// <summary>Where the first channel of a key lies.</summary>
    public long KeyOffset(int key) => (key / PanelKeys * PanelBytes) + (key % PanelKeys * GroupChannels);

    /// <summary>From one group of channels of a key to the next.</summary>
    public int GroupBytes => PanelKeys * GroupChannels;
}
