// The byte-table lookups of every instruction set against scalar loops: distances (flipped or not), minimum, and the map to numerators with its sums.
using System.Numerics;
using BinaryAttention.Bits;
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Simd;
using Xunit;

namespace BinaryAttention.Tests.Simd;

public sealed unsafe class HammingLookupTests
{
    private const int Rows = 6;

    public static TheoryData<int> Widths() => [128, 256, 512];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Distances_EqualPopCounts(int width)
    {
        foreach (int dimension in (int[])[1, 3, 4, 6, 7, 24, 63, 64, 65, 128, 200, 254])
        {
            foreach (int keys in (int[])[1, 63, 64, 65, 300])
            {
                switch (Require(width))
                {
                    case 512: CheckDistances<HammingLookup512>(dimension, keys); break;
                    case 256: CheckDistances<HammingLookup256>(dimension, keys); break;
                    default: CheckDistances<HammingLookup128>(dimension, keys); break;
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Minimum_IgnoresPadding(int width)
    {
        var random = new Random(5);
        byte* row = stackalloc byte[1088];
        foreach (int keys in (int[])[1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 1000])
        {
            new Span<byte>(row, 1088).Clear();
            for (int key = 0; key < keys; key++)
            {
                row[key] = (byte)random.Next(3, 255);
            }

            int expected = new ReadOnlySpan<byte>(row, keys).ToArray().Min();
            int actual = Require(width) switch
            {
                512 => HammingLookup512.Minimum(row, keys),
                256 => HammingLookup256.Minimum(row, keys),
                _ => HammingLookup128.Minimum(row, keys),
            };
            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Map_EqualsScalarLookups(int width)
    {
        foreach (int keys in (int[])[1, 15, 16, 17, 63, 64, 65, 200, 2048, 2100, 9000])
        {
            foreach (int lastEntry in (int[])[-1, 0, 1, 15, 16, 100, 126, 127, 128, 200, 254])
            {
                switch (Require(width))
                {
                    case 512: CheckMap<HammingLookup512>(keys, lastEntry); break;
                    case 256: CheckMap<HammingLookup256>(keys, lastEntry); break;
                    default: CheckMap<HammingLookup128>(keys, lastEntry); break;
                }
            }
        }
    }

    private static int Require(int width)
    {
        bool runs = width switch { 512 => CpuFeatures.Current is { Avx512Vbmi: true, Avx512BW: true }, 256 => CpuFeatures.Current.Avx2, _ => CpuFeatures.Current.Vector128 };
        Assert.SkipUnless(runs, $"{width}-bit lookups are not supported here");
        return width;
    }

    private static void CheckDistances<TLookup>(int dimension, int keys)
        where TLookup : struct, IHammingLookup
    {
        var random = new Random(dimension + (1000 * keys));
        int words = SignRow.Words(dimension);
        int planes = KeyCodes.Planes(dimension, TLookup.BitsPerCode);
        int blocks = KeyCodes.Blocks(keys);
        nint rowStride = blocks * KeyCodes.BlockKeys;
        using var keyWords = new NativeBuffer((long)keys * words * sizeof(ulong));
        using var queryWords = new NativeBuffer((long)Rows * words * sizeof(ulong));
        using var codes = new NativeBuffer(KeyCodes.Bytes(keys, dimension, TLookup.BitsPerCode));
        using var tables = new NativeBuffer((long)Rows * planes * TLookup.TableBytes);
        using var rows = new NativeBuffer(Rows * rowStride);
        Fill(random, keyWords.As<ulong>(), keys, words, dimension);
        Fill(random, queryWords.As<ulong>(), Rows, words, dimension);
        KeyCodes.Pack(keyWords.As<ulong>(), keys, dimension, TLookup.BitsPerCode, codes.Pointer);
        for (int row = 0; row < Rows; row++)
        {
            TLookup.BuildTables(queryWords.As<ulong>() + (row * words), dimension, flip: row % 2 == 1, tables.Pointer + ((long)row * planes * TLookup.TableBytes));
        }

        TLookup.Distances(codes.Pointer, blocks, planes, tables.Pointer, rows.Pointer, rowStride);
        for (int row = 0; row < Rows; row++)
        {
            for (int key = 0; key < keys; key++)
            {
                int distance = 0;
                for (int word = 0; word < words; word++)
                {
                    distance += BitOperations.PopCount(queryWords.As<ulong>()[(row * words) + word] ^ keyWords.As<ulong>()[(key * words) + word]);
                }

                distance = row % 2 == 1 ? dimension - distance : distance;
                Assert.True(distance == rows.Pointer[(row * rowStride) + key], $"d {dimension}, {keys} keys, row {row}, key {key}: {rows.Pointer[(row * rowStride) + key]}, expected {distance}");
            }
        }
    }

    private static void CheckMap<TLookup>(int keys, int lastEntry)
        where TLookup : struct, IHammingLookup
    {
        const int Minimum = 1;
        var random = new Random(keys + lastEntry);
        int padded = KeyCodes.Blocks(keys) * KeyCodes.BlockKeys;
        using var row = new NativeBuffer(padded);
        using var tables = new NativeBuffer(512);
        byte* numerators = tables.Pointer;
        var residuals = (sbyte*)(tables.Pointer + 256);
        for (int entry = 0; entry <= lastEntry; entry++)
        {
            numerators[entry] = entry == lastEntry ? (byte)255 : (byte)random.Next(200, 256);
            residuals[entry] = (sbyte)random.Next(-127, 128);
        }

        var expected = new byte[padded];
        long numeratorSum = 0;
        long residualSum = 0;
        for (int key = 0; key < padded; key++)
        {
            // Padding holds any byte, below the minimum too.
            byte distance = key < keys ? (byte)random.Next(Minimum, 256) : (byte)random.Next(256);
            row.Pointer[key] = distance;
            if (key < keys)
            {
                expected[key] = numerators[distance - Minimum];
                numeratorSum += numerators[distance - Minimum];
                residualSum += residuals[distance - Minimum];
            }
        }

        long actualNumerators = TLookup.Map(row.Pointer, keys, Minimum, numerators, residuals, lastEntry, out long actualResiduals);
        Assert.Equal((numeratorSum, residualSum), (actualNumerators, actualResiduals));
        Assert.True(expected.AsSpan().SequenceEqual(new ReadOnlySpan<byte>(row.Pointer, padded)), $"{keys} keys, last entry {lastEntry}");
    }

    private static void Fill(Random random, ulong* words, int tokens, int wordsPerToken, int dimension)
    {
        for (int i = 0; i < tokens * wordsPerToken; i++)
        {
            int valid = Math.Min(64, dimension - (i % wordsPerToken * 64));
            ulong bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            words[i] = valid == 64 ? bits : bits & ((1UL << valid) - 1);
        }
    }
}
