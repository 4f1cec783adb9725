// Portable 128-bit vectors (SSSE3, AdvSimd): 4-bit codes, a byte shuffle looks up 16 keys in a sixteen-entry table.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct HammingLookup128 : IHammingLookup, IByteLanes<Vector128<byte>>
{
    public static int BitsPerCode => 4;

    public static int TableBytes => NibbleTables.Entries;

    public static int Width => 16;

    public static Vector128<byte> Zero => Vector128<byte>.Zero;

    public static Vector128<byte> Load(byte* source) => Vector128.Load(source);

    public static void Store(Vector128<byte> vector, byte* destination) => vector.Store(destination);

    public static Vector128<byte> Add(Vector128<byte> left, Vector128<byte> right) => left + right;

    public static Vector128<byte> LoadTable(byte* table) => Vector128.Load(table);

    public static Vector128<byte> Lookup(Vector128<byte> table, Vector128<byte> codes) => Vector128.ShuffleNative(table, codes);

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

    public static void Distances(byte* codes, int blocks, int planes, byte* tables, byte* rows, nint rowStride) =>
        HammingDistances<Vector128<byte>, HammingLookup128>.Find(codes, blocks, planes, tables, rows, rowStride);

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
