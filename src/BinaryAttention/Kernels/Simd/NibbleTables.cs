// What the 128- and 256-bit lookups share: sixteen-entry tables, and the trick that makes a byte shuffle look up a longer table piece by piece.
// For piece p the index is moved to idx - 16 p; adding 0x70 with saturation leaves 0x70..0x7F for the sixteen indices of the piece (the shuffle reads the low four bits)
// and 0x80 or more for all others, which the shuffle turns into 0. The pieces are then OR-ed.
namespace BinaryAttention.Kernels.Simd;

internal static class NibbleTables
{
    public const int Entries = 16;

    public const byte OutsideBias = 0x70;

    public static int Pieces(int lastEntry) => (lastEntry / Entries) + 1;
}
