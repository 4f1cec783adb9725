// Keys laid out for table lookups. The sign bits of a key are cut into codes of 6 (or 4) bits, one byte each; 64 keys form a block, and a block holds its codes plane by
// plane: [block][plane][64 keys]. A query then has one small table per plane, popcount(code xor queryCode), and a lookup plus an add per plane gives 64 distances as bytes.
namespace BinaryAttention.Bits;

internal static unsafe class KeyCodes
{
    public const int BlockKeys = 64;

    public static int Planes(int dimension, int bitsPerCode) => (dimension + bitsPerCode - 1) / bitsPerCode;

    public static int Blocks(int keys) => (keys + BlockKeys - 1) / BlockKeys;

    public static long Bytes(int keys, int dimension, int bitsPerCode) => (long)Blocks(keys) * Planes(dimension, bitsPerCode) * BlockKeys;

    /// <summary>Lays out sign words as codes. Keys beyond the last are left as they are (the buffer starts zeroed).</summary>
    public static void Pack(ulong* words, int keys, int dimension, int bitsPerCode, byte* codes)
    {
        int planes = Planes(dimension, bitsPerCode);
        int wordsPerToken = SignRow.Words(dimension);
        for (int key = 0; key < keys; key++)
        {
            ulong* row = words + ((long)key * wordsPerToken);
            byte* destination = codes + ((long)(key / BlockKeys) * planes * BlockKeys) + (key % BlockKeys);
            for (int plane = 0; plane < planes; plane++)
            {
                destination[plane * BlockKeys] = Code(row, wordsPerToken, plane * bitsPerCode, bitsPerCode);
            }
        }
    }

    /// <summary>The code that starts at the given bit; bits beyond the last word are 0.</summary>
    public static byte Code(ulong* words, int wordCount, int firstBit, int bitsPerCode)
    {
        int word = firstBit / 64;
        int shift = firstBit % 64;
        ulong bits = words[word] >> shift;
        if (shift + bitsPerCode > 64 && word + 1 < wordCount)
        {
            bits |= words[word + 1] << (64 - shift);
        }

        return (byte)(bits & ((1UL << bitsPerCode) - 1));
    }
}
