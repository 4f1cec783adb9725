// Keys laid out for table lookups. The sign bits of a key are cut into codes of 6 (or 4) bits, one byte each; 64 keys form a block, and a block holds its codes plane by
// plane: [block][plane][64 keys]. A query then has one small table per plane, popcount(code xor queryCode), and a lookup plus an add per plane gives 64 distances as bytes.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Bits;

internal static unsafe class KeyCodes
{
    public const int BlockKeys = 64;

    private const int GroupKeys = 8;

    public static int Planes(int dimension, int bitsPerCode) => (dimension + bitsPerCode - 1) / bitsPerCode;

    public static int Blocks(int keys) => (keys + BlockKeys - 1) / BlockKeys;

    public static long Bytes(int keys, int dimension, int bitsPerCode) => (long)Blocks(keys) * Planes(dimension, bitsPerCode) * BlockKeys;

    /// <summary>Lays out sign words as codes. Keys beyond the last are left as they are (the buffer starts zeroed).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(ulong* words, int keys, int dimension, int bitsPerCode, byte* codes)
    {
        int planes = Planes(dimension, bitsPerCode);
        int wordsPerToken = SignRow.Words(dimension);
        int vectorEnd = keys & ~(GroupKeys - 1);
        for (int key = 0; key < vectorEnd; key += GroupKeys)
        {
            byte* destination = codes + ((long)(key / BlockKeys) * planes * BlockKeys) + (key % BlockKeys);
            PackGroup(words + ((long)key * wordsPerToken), wordsPerToken, planes, bitsPerCode, destination);
        }

        for (int key = vectorEnd; key < keys; key++)
        {
            ulong* row = words + ((long)key * wordsPerToken);
            byte* destination = codes + ((long)(key / BlockKeys) * planes * BlockKeys) + (key % BlockKeys);
            for (int plane = 0; plane < planes; plane++)
            {
                destination[plane * BlockKeys] = Code(row, wordsPerToken, plane * bitsPerCode, bitsPerCode);
            }
        }
    }

    // Eight keys at once, one 64-bit lane each; equals Code key by key.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackGroup(ulong* words, int wordsPerToken, int planes, int bitsPerCode, byte* destination)
    {
        Vector512<ulong> mask = Vector512.Create((1UL << bitsPerCode) - 1);
        int loaded = -1;
        Vector512<ulong> current = Vector512<ulong>.Zero;
        for (int plane = 0; plane < planes; plane++)
        {
            int firstBit = plane * bitsPerCode;
            int word = firstBit / 64;
            int shift = firstBit % 64;
            if (word != loaded)
            {
                loaded = word;
                current = LoadWord(words, wordsPerToken, word);
            }

            Vector512<ulong> bits = current >> shift;
            if (shift + bitsPerCode > 64 && word + 1 < wordsPerToken)
            {
                bits |= LoadWord(words, wordsPerToken, word + 1) << (64 - shift);
            }

            bits &= mask;
            Vector256<uint> halves = Vector256.Narrow(bits.GetLower(), bits.GetUpper());
            Vector128<ushort> quarters = Vector128.Narrow(halves.GetLower(), halves.GetUpper());
            *(ulong*)(destination + (plane * BlockKeys)) = Vector128.Narrow(quarters, quarters).AsUInt64().ToScalar();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> LoadWord(ulong* words, int wordsPerToken, int word)
    {
        if (wordsPerToken == 1)
        {
            return Vector512.Load(words);
        }

        words += word;
        return Vector512.Create(
            words[0], words[wordsPerToken], words[2 * wordsPerToken], words[3 * wordsPerToken],
            words[4 * wordsPerToken], words[5 * wordsPerToken], words[6 * wordsPerToken], words[7 * wordsPerToken]);
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
