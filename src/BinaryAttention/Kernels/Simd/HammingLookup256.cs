// AVX2: 4-bit codes, vpshufb looks up 32 keys in a sixteen-entry table. Same block layout as the wider lookup, two halves per block.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct HammingLookup256 : IHammingLookup
{
    private const int Width = 32;
    private const int BlockBytes = 64;

    public static int BitsPerCode => 4;

    public static int TableBytes => NibbleTables.Entries;

    public static void BuildTables(ulong* words, int dimension, bool flip, byte* tables) => HammingLookup128.BuildTables(words, dimension, flip, tables);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Distances(byte* codes, int blocks, int planes, byte* tables, byte* rows, nint rowStride)
    {
        nint queryTables = (nint)planes * NibbleTables.Entries;
        for (int half = 0; half < 2 * blocks; half++)
        {
            Vector256<byte> distance0 = Vector256<byte>.Zero;
            Vector256<byte> distance1 = Vector256<byte>.Zero;
            Vector256<byte> distance2 = Vector256<byte>.Zero;
            Vector256<byte> distance3 = Vector256<byte>.Zero;
            Vector256<byte> distance4 = Vector256<byte>.Zero;
            Vector256<byte> distance5 = Vector256<byte>.Zero;
            byte* code = codes + ((long)(half / 2) * planes * BlockBytes) + (half % 2 * Width);
            byte* table = tables;
            for (int plane = 0; plane < planes; plane++)
            {
                Vector256<byte> index = Vector256.Load(code);
                distance0 += Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table), index);
                distance1 += Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table + queryTables), index);
                distance2 += Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table + (2 * queryTables)), index);
                distance3 += Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table + (3 * queryTables)), index);
                distance4 += Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table + (4 * queryTables)), index);
                distance5 += Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table + (5 * queryTables)), index);
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
        Vector256<byte> smallest = Vector256<byte>.AllBitsSet;
        int full = keys & ~(Width - 1);
        for (int key = 0; key < full; key += Width)
        {
            smallest = Vector256.Min(smallest, Vector256.Load(row + key));
        }

        int minimum = HammingLookup128.SmallestLane(Vector128.Min(smallest.GetLower(), smallest.GetUpper()));

        for (int key = full; key < keys; key++)
        {
            minimum = Math.Min(minimum, row[key]);
        }

        return minimum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Map(byte* row, int keys, int minimum, byte* numerators, sbyte* residuals, int lastEntry, out long residualSum)
    {
        Vector256<byte> subtract = Vector256.Create((byte)minimum);
        Vector256<byte> bias = Vector256.Create((byte)128);
        Vector256<byte> outside = Vector256.Create(NibbleTables.OutsideBias);
        Vector256<ulong> numeratorSum = Vector256<ulong>.Zero;
        Vector256<ulong> residualTotal = Vector256<ulong>.Zero;
        int pieces = NibbleTables.Pieces(lastEntry);
        int padded = KeyCodes.Blocks(keys) * KeyCodes.BlockKeys;
        for (int key = 0; key < padded; key += Width)
        {
            Vector256<byte> index = Avx2.SubtractSaturate(Vector256.Load(row + key), subtract);
            Vector256<byte> numerator = Vector256<byte>.Zero;
            Vector256<byte> residual = Vector256<byte>.Zero;
            for (int piece = 0; piece < pieces; piece++)
            {
                Vector256<byte> shifted = Avx2.AddSaturate(index - Vector256.Create((byte)(piece * NibbleTables.Entries)), outside);
                numerator |= Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(numerators + (piece * NibbleTables.Entries)), shifted);
                residual |= Avx2.Shuffle(Avx2.BroadcastVector128ToVector256((byte*)residuals + (piece * NibbleTables.Entries)), shifted);
            }

            Vector256<byte> valid = Vector256.LessThan(Vector256.CreateSequence<byte>(0, 1), Vector256.Create((byte)Math.Clamp(keys - key, 0, Width)));
            numerator &= valid;
            numerator.Store(row + key);
            numeratorSum += Avx2.SumAbsoluteDifferences(numerator, Vector256<byte>.Zero).AsUInt64();
            residualTotal += Avx2.SumAbsoluteDifferences((residual ^ bias) & valid, Vector256<byte>.Zero).AsUInt64();
        }

        residualSum = (long)Vector256.Sum(residualTotal) - (128L * keys);
        return (long)Vector256.Sum(numeratorSum);
    }
}
