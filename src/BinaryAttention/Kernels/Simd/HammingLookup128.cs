// Portable 128-bit vectors (SSSE3, AdvSimd): 4-bit codes, a byte shuffle looks up 16 keys in a sixteen-entry table.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct HammingLookup128 : IHammingLookup
{
    private const int Width = 16;
    private const int BlockBytes = 64;

    public static int BitsPerCode => 4;

    public static int TableBytes => NibbleTables.Entries;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void BuildTables(ulong* words, int dimension, bool flip, byte* tables)
    {
        Vector128<byte> popCounts = Vector128.Create(QueryTables.PopCounts[..Width]);
        Vector128<byte> indices = Vector128.CreateSequence<byte>(0, 1);
        int planes = KeyCodes.Planes(dimension, BitsPerCode);
        for (int plane = 0; plane < planes; plane++)
        {
            Vector128<byte> code = Vector128.Create(QueryTables.Code(words, dimension, flip, plane, BitsPerCode));
            Vector128.ShuffleNative(popCounts, indices ^ code).Store(tables + (plane * Width));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Distances(byte* codes, int blocks, int planes, byte* tables, byte* rows, nint rowStride)
    {
        nint queryTables = (nint)planes * NibbleTables.Entries;
        for (int quarter = 0; quarter < 4 * blocks; quarter++)
        {
            Vector128<byte> distance0 = Vector128<byte>.Zero;
            Vector128<byte> distance1 = Vector128<byte>.Zero;
            Vector128<byte> distance2 = Vector128<byte>.Zero;
            Vector128<byte> distance3 = Vector128<byte>.Zero;
            Vector128<byte> distance4 = Vector128<byte>.Zero;
            Vector128<byte> distance5 = Vector128<byte>.Zero;
            byte* code = codes + ((long)(quarter / 4) * planes * BlockBytes) + (quarter % 4 * Width);
            byte* table = tables;
            for (int plane = 0; plane < planes; plane++)
            {
                Vector128<byte> index = Vector128.Load(code);
                distance0 += Vector128.ShuffleNative(Vector128.Load(table), index);
                distance1 += Vector128.ShuffleNative(Vector128.Load(table + queryTables), index);
                distance2 += Vector128.ShuffleNative(Vector128.Load(table + (2 * queryTables)), index);
                distance3 += Vector128.ShuffleNative(Vector128.Load(table + (3 * queryTables)), index);
                distance4 += Vector128.ShuffleNative(Vector128.Load(table + (4 * queryTables)), index);
                distance5 += Vector128.ShuffleNative(Vector128.Load(table + (5 * queryTables)), index);
                code += BlockBytes;
                table += NibbleTables.Entries;
            }

            distance0.Store(rows);
            distance1.Store(rows + rowStride);
            distance2.Store(rows + (2 * rowStride));
            distance3.Store(rows + (3 * rowStride));
            distance4.Store(rows + (4 * rowStride));
            distance5.Store(rows + (5 * rowStride));
            rows += Width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Minimum(byte* row, int keys)
    {
        Vector128<byte> smallest = Vector128<byte>.AllBitsSet;
        int full = keys & ~(Width - 1);
        for (int key = 0; key < full; key += Width)
        {
            smallest = Vector128.Min(smallest, Vector128.Load(row + key));
        }

        int minimum = SmallestLane(smallest);

        for (int key = full; key < keys; key++)
        {
            minimum = Math.Min(minimum, row[key]);
        }

        return minimum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Map(byte* row, int keys, int minimum, byte* numerators, sbyte* residuals, int lastEntry, out long residualSum)
    {
        Vector128<byte> subtract = Vector128.Create((byte)minimum);
        Vector128<ushort> numeratorSum = Vector128<ushort>.Zero;
        Vector128<ushort> residualTotal = Vector128<ushort>.Zero;
        long numeratorTotal = 0;
        residualSum = -128L * keys;
        int pieces = NibbleTables.Pieces(lastEntry);
        int padded = KeyCodes.Blocks(keys) * KeyCodes.BlockKeys;
        for (int key = 0; key < padded; key += Width)
        {
            // Distances never lie below the minimum except in padding lanes, which are masked.
            Vector128<byte> index = Vector128.Max(Vector128.Load(row + key), subtract) - subtract;
            Vector128<byte> numerator = Vector128<byte>.Zero;
            Vector128<byte> residual = Vector128<byte>.Zero;
            for (int piece = 0; piece < pieces; piece++)
            {
                // Shuffle gives 0 for indices of sixteen and more, on every platform.
                Vector128<byte> shifted = index - Vector128.Create((byte)(piece * NibbleTables.Entries));
                numerator |= Vector128.Shuffle(Vector128.Load(numerators + (piece * NibbleTables.Entries)), shifted);
                residual |= Vector128.Shuffle(Vector128.Load((byte*)residuals + (piece * NibbleTables.Entries)), shifted);
            }

            Vector128<byte> valid = Vector128.LessThan(Vector128.CreateSequence<byte>(0, 1), Vector128.Create((byte)Math.Clamp(keys - key, 0, Width)));
            numerator &= valid;
            numerator.Store(row + key);

            // 16-bit lanes take 128 sums of two bytes (128 * 2 * 255 = 65,280) before they must be emptied.
            numeratorSum += WidenAndFold(numerator);
            residualTotal += WidenAndFold((residual ^ Vector128.Create((byte)128)) & valid);
            if ((key / Width) % 128 == 127)
            {
                numeratorTotal += Empty(ref numeratorSum);
                residualSum += Empty(ref residualTotal);
            }
        }

        residualSum += Empty(ref residualTotal);
        return numeratorTotal + Empty(ref numeratorSum);
    }

    /// <summary>The smallest of sixteen bytes.</summary>
    public static int SmallestLane(Vector128<byte> bytes)
    {
        ulong eight = Vector128.Min(bytes, Vector128.Shuffle(bytes.AsUInt64(), Vector128.Create(1UL, 0UL)).AsByte()).AsUInt64().ToScalar();
        Vector128<byte> folded = Vector128.CreateScalar(eight).AsByte();
        folded = Vector128.Min(folded, Vector128.CreateScalar(eight >> 32).AsByte());
        eight = folded.AsUInt64().ToScalar();
        folded = Vector128.Min(folded, Vector128.CreateScalar(eight >> 16).AsByte());
        return Math.Min(folded.GetElement(0), folded.GetElement(1));
    }

    private static Vector128<ushort> WidenAndFold(Vector128<byte> bytes)
    {
        (Vector128<ushort> lower, Vector128<ushort> upper) = Vector128.Widen(bytes);
        return lower + upper;
    }

    private static long Empty(ref Vector128<ushort> sums)
    {
        (Vector128<uint> lower, Vector128<uint> upper) = Vector128.Widen(sums);
        sums = Vector128<ushort>.Zero;
        return Vector128.Sum(lower + upper);
    }
}
