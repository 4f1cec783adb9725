// AVX-512 VBMI: 6-bit codes, one vpermb looks up 64 keys; two registers hold a table of 128 numerators for vpermi2b.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct HammingLookup512 : IHammingLookup, IByteLanes<Vector512<byte>>
{
    public static int BitsPerCode => 6;

    public static int TableBytes => 64;

    public static int Width => 64;

    public static Vector512<byte> Zero => Vector512<byte>.Zero;

    public static Vector512<byte> Load(byte* source) => Vector512.Load(source);

    public static void Store(Vector512<byte> vector, byte* destination) => vector.Store(destination);

    public static Vector512<byte> Add(Vector512<byte> left, Vector512<byte> right) => left + right;

    public static Vector512<byte> LoadTable(byte* table) => Vector512.Load(table);

    public static Vector512<byte> Lookup(Vector512<byte> table, Vector512<byte> codes) => Avx512Vbmi.PermuteVar64x8(table, codes);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void BuildTables(ulong* words, int dimension, bool flip, byte* tables)
    {
        Vector512<byte> popCounts = Vector512.Create(QueryTables.PopCounts);
        Vector512<byte> indices = Vector512.CreateSequence<byte>(0, 1);
        int planes = KeyCodes.Planes(dimension, BitsPerCode);
        for (int plane = 0; plane < planes; plane++)
        {
            Vector512<byte> code = Vector512.Create(QueryTables.Code(words, dimension, flip, plane, BitsPerCode));
            Avx512Vbmi.PermuteVar64x8(popCounts, indices ^ code).Store(tables + (plane * Width));
        }
    }

    public static void Distances(byte* codes, int blocks, int planes, byte* tables, byte* rows, nint rowStride) =>
        HammingDistances<Vector512<byte>, HammingLookup512>.Find(codes, blocks, planes, tables, rows, rowStride);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Minimum(byte* row, int keys)
    {
        Vector512<byte> smallest = Vector512<byte>.AllBitsSet;
        int full = keys & ~(Width - 1);
        for (int key = 0; key < full; key += Width)
        {
            smallest = Vector512.Min(smallest, Vector512.Load(row + key));
        }

        if (full < keys)
        {
            smallest = Vector512.Min(smallest, Vector512.Load(row + full) | ~TailMask(keys - full));
        }

        Vector256<byte> half = Vector256.Min(smallest.GetLower(), smallest.GetUpper());
        Vector128<byte> quarter = Vector128.Min(half.GetLower(), half.GetUpper());
        return HammingLookup128.SmallestLane(quarter);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Map(byte* row, int keys, int minimum, byte* numerators, sbyte* residuals, int lastEntry, out long residualSum)
    {
        var sums = new Sums { Numerators = Vector512<ulong>.Zero, Residuals = Vector512<ulong>.Zero };
        int full = keys & ~(Width - 1);
        Vector512<byte> subtract = Vector512.Create((byte)minimum);
        if (lastEntry < 127)
        {
            MapNarrow(row, full, subtract, Vector512<byte>.AllBitsSet, numerators, residuals, ref sums);
            if (full < keys)
            {
                MapNarrow(row + full, Width, subtract, TailMask(keys - full), numerators, residuals, ref sums);
            }
        }
        else
        {
            MapWide(row, full, subtract, Vector512<byte>.AllBitsSet, numerators, residuals, ref sums);
            if (full < keys)
            {
                MapWide(row + full, Width, subtract, TailMask(keys - full), numerators, residuals, ref sums);
            }
        }

        // Residuals were summed as residual + 128, so that an unsigned sum serves.
        residualSum = (long)Vector512.Sum(sums.Residuals) - (128L * keys);
        return (long)Vector512.Sum(sums.Numerators);
    }

    // 128 entries, the last of them 0: distances beyond the table are clamped to it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MapNarrow(byte* row, int keys, Vector512<byte> subtract, Vector512<byte> mask, byte* numerators, sbyte* residuals, ref Sums sums)
    {
        Vector512<byte> last = Vector512.Create((byte)127);
        Vector512<byte> bias = Vector512.Create((byte)128);
        Vector512<byte> numeratorLow = Vector512.Load(numerators);
        Vector512<byte> numeratorHigh = Vector512.Load(numerators + Width);
        Vector512<byte> residualLow = Vector512.Load((byte*)residuals) ^ bias;
        Vector512<byte> residualHigh = Vector512.Load((byte*)residuals + Width) ^ bias;
        Vector512<ulong> numeratorSum = sums.Numerators;
        Vector512<ulong> residualSum = sums.Residuals;
        for (int key = 0; key < keys; key += Width)
        {
            Vector512<byte> index = Vector512.Min(Avx512BW.SubtractSaturate(Vector512.Load(row + key), subtract), last);
            Vector512<byte> numerator = Avx512Vbmi.PermuteVar64x8x2(numeratorLow, index, numeratorHigh) & mask;
            Vector512<byte> residual = Avx512Vbmi.PermuteVar64x8x2(residualLow, index, residualHigh) & mask;
            numerator.Store(row + key);
            numeratorSum += Avx512BW.SumAbsoluteDifferences(numerator, Vector512<byte>.Zero).AsUInt64();
            residualSum += Avx512BW.SumAbsoluteDifferences(residual, Vector512<byte>.Zero).AsUInt64();
        }

        sums.Numerators = numeratorSum;
        sums.Residuals = residualSum;
    }

    // 256 entries: two lookups, chosen by the index's top bit.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MapWide(byte* row, int keys, Vector512<byte> subtract, Vector512<byte> mask, byte* numerators, sbyte* residuals, ref Sums sums)
    {
        Vector512<byte> bias = Vector512.Create((byte)128);
        Vector512<ulong> numeratorSum = sums.Numerators;
        Vector512<ulong> residualSum = sums.Residuals;
        for (int key = 0; key < keys; key += Width)
        {
            Vector512<byte> index = Avx512BW.SubtractSaturate(Vector512.Load(row + key), subtract);
            Vector512<byte> numerator = Lookup256(numerators, index) & mask;
            Vector512<byte> residual = (Lookup256((byte*)residuals, index) ^ bias) & mask;
            numerator.Store(row + key);
            numeratorSum += Avx512BW.SumAbsoluteDifferences(numerator, Vector512<byte>.Zero).AsUInt64();
            residualSum += Avx512BW.SumAbsoluteDifferences(residual, Vector512<byte>.Zero).AsUInt64();
        }

        sums.Numerators = numeratorSum;
        sums.Residuals = residualSum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Lookup256(byte* table, Vector512<byte> index)
    {
        Vector512<byte> low = Avx512Vbmi.PermuteVar64x8x2(Vector512.Load(table), index, Vector512.Load(table + Width));
        Vector512<byte> high = Avx512Vbmi.PermuteVar64x8x2(Vector512.Load(table + (2 * Width)), index, Vector512.Load(table + (3 * Width)));
        return Vector512.ConditionalSelect(Vector512.GreaterThan(index, Vector512.Create((byte)127)), high, low);
    }

    // All bits set in the first lanes.
    private static Vector512<byte> TailMask(int lanes) =>
        Vector512.LessThan(Vector512.CreateSequence<byte>(0, 1), Vector512.Create((byte)lanes));

    private struct Sums
    {
        public Vector512<ulong> Numerators;
        public Vector512<ulong> Residuals;
    }
}
