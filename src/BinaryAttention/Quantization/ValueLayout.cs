// Where an 8-bit value lies for the integer product: [channel panel][key group][channel in panel][key in group], so that one vector load holds a few channels of the keys that
// one multiply-accumulate instruction sums. Padding keys and channels are 0.
namespace BinaryAttention.Quantization;

/// <param name="ValueDimension">Channels.</param>
/// <param name="KeyLength">Keys.</param>
/// <param name="PanelChannels">Channels in one panel: two vectors of 32-bit sums.</param>
/// <param name="GroupKeys">Keys that one multiply-accumulate sums: 4 (dot product of bytes) or 2 (of 16-bit values).</param>
internal readonly record struct ValueLayout(int ValueDimension, int KeyLength, int PanelChannels, int GroupKeys)
{
    public int Panels => (ValueDimension + PanelChannels - 1) / PanelChannels;

    /// <summary>Keys padded to whole blocks of the key codes, so that probabilities and values end together.</summary>
    public int PaddedKeys => Bits.KeyCodes.Blocks(KeyLength) * Bits.KeyCodes.BlockKeys;

    public long PanelBytes => (long)PaddedKeys * PanelChannels;

    public long Bytes => PanelBytes * Panels;

    public int PaddedChannels => Panels * PanelChannels;

    public long Offset(int key, int channel) =>
        (channel / PanelChannels * PanelBytes) + ((long)(key / GroupKeys) * PanelChannels * GroupKeys) + (channel % PanelChannels * GroupKeys) + (key % GroupKeys);
}
