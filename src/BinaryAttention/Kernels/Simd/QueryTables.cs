// What the lookups share when they build a query's tables: the popcounts of all codes, and the query's own code of a plane.
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class QueryTables
{
    /// <summary>popcount(code) for 64 codes; a table is this one with its index xor-ed by the query's code.</summary>
    public static ReadOnlySpan<byte> PopCounts =>
    [
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 1, 2, 2, 3, 2, 3, 3, 4, 2, 3, 3, 4, 3, 4, 4, 5,
        1, 2, 2, 3, 2, 3, 3, 4, 2, 3, 3, 4, 3, 4, 4, 5, 2, 3, 3, 4, 3, 4, 4, 5, 3, 4, 4, 5, 4, 5, 5, 6,
    ];

    /// <summary>The query's code of one plane, flipped within the bits that exist. Key codes have no bits beyond the dimension, so table entries above them are never read.</summary>
    public static byte Code(ulong* words, int dimension, bool flip, int plane, int bitsPerCode)
    {
        int firstBit = plane * bitsPerCode;
        byte code = KeyCodes.Code(words, SignRow.Words(dimension), firstBit, bitsPerCode);
        int valid = (1 << Math.Min(bitsPerCode, dimension - firstBit)) - 1;
        return (byte)(flip ? code ^ valid : code);
    }
}
