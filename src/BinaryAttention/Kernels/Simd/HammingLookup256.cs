// AVX2: 4-bit codes, vpshufb looks up 32 keys in a sixteen-entry table. Same block layout as the wider lookup, two halves per block.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct HammingLookup256 : IHammingLookup, IByteLanes<Vector256<byte>>
{
    public static int BitsPerCode => 4;

    public static int TableBytes => NibbleTables.Entries;

    public static int Width => 32;

    public static Vector256<byte> Zero => Vector256<byte>.Zero;

    public static Vector256<byte> Load(byte* source) => Vector256.Load(source);

    public static void Store(Vector256<byte> vector, byte* destination) => vector.Store(destination);

    public static Vector256<byte> Add(Vector256<byte> left, Vector256<byte> right) => left + right;

    public static Vector256<byte> LoadTable(byte* table) => Avx2.BroadcastVector128ToVector256(table);

    public static Vector256<byte> Lookup(Vector256<byte> table, Vector256<byte> codes) => Avx2.Shuffle(table, codes);

    public static void BuildTables(ulong* words, int dimension, bool flip, byte* tables) => HammingLookup128.BuildTables(words, dimension, flip, tables);

    public static void Distances(byte* codes, int blocks, int planes, byte* tables, byte* rows, nint rowStride) =>
        HammingDistances<Vector256<byte>, HammingLookup256>.Find(codes, blocks, planes, tables, rows, rowStride);

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
