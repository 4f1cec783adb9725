// Keys laid out for table lookups. The sign bits of a key are cut into codes of 6 (or 4) bits, one byte each; 64 keys form a block, and a block holds its codes plane by
// plane: [block][plane][64 keys]. A query then has one small table per plane, popcount(code xor queryCode), and a lookup plus an add per plane gives 64 distances as bytes.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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
        int done = bitsPerCode == 8 && Avx512Vbmi.IsSupported ? PackBytes(words, keys, wordsPerToken, planes, codes) : 0;
        int vectorEnd = keys & ~(GroupKeys - 1);
        for (int key = done; key < vectorEnd; key += GroupKeys)
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

    // Whole blocks of 8-bit codes: the bytes of 64 keys' words, transposed. Gives the number of keys.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int PackBytes(ulong* words, int keys, int wordsPerToken, int planes, byte* codes)
    {
        int blocks = keys / BlockKeys;

        // Byte 8 i + j to byte 8 j + i: afterwards lane j holds byte j of eight keys' words.
        Vector512<byte> order = (Vector512<byte>.Indices >> 3) | ((Vector512<byte>.Indices & Vector512.Create((byte)7)) << 3);
        ulong* lines = stackalloc ulong[BlockKeys];
        for (int block = 0; block < blocks; block++)
        {
            for (int word = 0; word < wordsPerToken; word++)
            {
                int count = Math.Min(GroupKeys, planes - (word * GroupKeys));
                ulong* first = words + ((long)block * BlockKeys * wordsPerToken);
                for (int group = 0; group < GroupKeys; group++)
                {
                    Vector512<ulong> eight = LoadWord(first + (group * GroupKeys * wordsPerToken), wordsPerToken, word);
                    Avx512Vbmi.PermuteVar64x8(eight.AsByte(), order).AsUInt64().Store(lines + (group * GroupKeys));
                }

                Transpose(lines, codes + ((((long)block * planes) + (word * GroupKeys)) * BlockKeys), count);
            }
        }

        return blocks * BlockKeys;
    }

    // Eight lines of eight 64-bit lanes; writes the first lines of the transposed square.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(ulong* lines, byte* destination, int count)
    {
        Vector512<ulong> a0 = Vector512.Load(lines), a1 = Vector512.Load(lines + 8), a2 = Vector512.Load(lines + 16), a3 = Vector512.Load(lines + 24);
        Vector512<ulong> a4 = Vector512.Load(lines + 32), a5 = Vector512.Load(lines + 40), a6 = Vector512.Load(lines + 48), a7 = Vector512.Load(lines + 56);
        Vector512<ulong> b0 = Avx512F.UnpackLow(a0, a1), b1 = Avx512F.UnpackHigh(a0, a1), b2 = Avx512F.UnpackLow(a2, a3), b3 = Avx512F.UnpackHigh(a2, a3);
        Vector512<ulong> b4 = Avx512F.UnpackLow(a4, a5), b5 = Avx512F.UnpackHigh(a4, a5), b6 = Avx512F.UnpackLow(a6, a7), b7 = Avx512F.UnpackHigh(a6, a7);

        // Lines 0 and 4, 2 and 6 of lanes 0 to 3 and of lanes 4 to 7; then the odd ones.
        Vector512<ulong> c0 = Avx512F.Shuffle4x128(b0, b2, 0x88), c1 = Avx512F.Shuffle4x128(b0, b2, 0xDD), c2 = Avx512F.Shuffle4x128(b4, b6, 0x88), c3 = Avx512F.Shuffle4x128(b4, b6, 0xDD);
        Vector512<ulong> d0 = Avx512F.Shuffle4x128(b1, b3, 0x88), d1 = Avx512F.Shuffle4x128(b1, b3, 0xDD), d2 = Avx512F.Shuffle4x128(b5, b7, 0x88), d3 = Avx512F.Shuffle4x128(b5, b7, 0xDD);
        Vector512<ulong>* planes = stackalloc Vector512<ulong>[GroupKeys];
        planes[0] = Avx512F.Shuffle4x128(c0, c2, 0x88);
        planes[1] = Avx512F.Shuffle4x128(d0, d2, 0x88);
        planes[2] = Avx512F.Shuffle4x128(c1, c3, 0x88);
        planes[3] = Avx512F.Shuffle4x128(d1, d3, 0x88);
        planes[4] = Avx512F.Shuffle4x128(c0, c2, 0xDD);
        planes[5] = Avx512F.Shuffle4x128(d0, d2, 0xDD);
        planes[6] = Avx512F.Shuffle4x128(c1, c3, 0xDD);
        planes[7] = Avx512F.Shuffle4x128(d1, d3, 0xDD);
        for (int plane = 0; plane < count; plane++)
        {
            planes[plane].AsByte().Store(destination + (plane * BlockKeys));
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
