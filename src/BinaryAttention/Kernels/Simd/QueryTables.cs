// Lookup tables of a query, one per plane of the key codes: table[code] = popcount((code xor queryCode) and validBits).
// A row whose weight is negative ranks keys the other way round; its query bits are flipped so that "nearest" is again the largest logit.
using System.Numerics;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class QueryTables
{
    /// <summary>popcount(code) for 64 codes; a table is this one with its index xor-ed by the query's code.</summary>
    private static ReadOnlySpan<byte> PopCounts =>
    [
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 1, 2, 2, 3, 2, 3, 3, 4, 2, 3, 3, 4, 3, 4, 4, 5,
        1, 2, 2, 3, 2, 3, 3, 4, 2, 3, 3, 4, 3, 4, 4, 5, 2, 3, 3, 4, 3, 4, 4, 5, 3, 4, 4, 5, 4, 5, 5, 6,
    ];

    public static void Build(ulong* words, int dimension, bool flip, int bitsPerCode, byte* tables)
    {
        int planes = KeyCodes.Planes(dimension, bitsPerCode);
        int entries = 1 << bitsPerCode;
        int wordCount = SignRow.Words(dimension);
        fixed (byte* popCounts = PopCounts)
        {
            for (int plane = 0; plane < planes; plane++)
            {
                int validBits = Math.Min(bitsPerCode, dimension - (plane * bitsPerCode));
                int valid = (1 << validBits) - 1;
                int code = KeyCodes.Code(words, wordCount, plane * bitsPerCode, bitsPerCode) & valid;
                if (flip)
                {
                    code ^= valid;
                }

                // Key codes have no bits beyond the dimension, so entries above the valid mask are never read.
                byte* table = tables + (plane * entries);
                for (int index = 0; index < entries; index += 8)
                {
                    // Eight entries at once: the low three code bits permute within eight bytes, the higher bits choose the eight.
                    ulong eight = *(ulong*)(popCounts + ((index ^ code) & ~7));
                    *(ulong*)(table + index) = PermuteBytes(eight, code & 7);
                }
            }
        }
    }

    // Byte i of the result is byte i xor x of the input: swap halves, pairs and neighbours as the bits of x say.
    private static ulong PermuteBytes(ulong bytes, int x)
    {
        if ((x & 4) != 0)
        {
            bytes = BitOperations.RotateLeft(bytes, 32);
        }

        if ((x & 2) != 0)
        {
            bytes = ((bytes & 0x0000FFFF0000FFFFUL) << 16) | ((bytes >> 16) & 0x0000FFFF0000FFFFUL);
        }

        if ((x & 1) != 0)
        {
            bytes = ((bytes & 0x00FF00FF00FF00FFUL) << 8) | ((bytes >> 8) & 0x00FF00FF00FF00FFUL);
        }

        return bytes;
    }
}
