// Counts of small numbers without a counter in memory for each: 512 keys at a time, their distances cut into bit planes of one vector each. The keys at distance v are the conjunction of eight planes or
// complements; those of eight neighbouring distances share the upper five, and where that conjunction is empty all eight are skipped. Bits are counted by nibbles with a shuffle, into bytes, which are
// emptied before they can overflow. About half a cycle a key where a counter a key takes more than one (Zen 5, head dimension 64).
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Quantization;

internal static unsafe class SlicedHistogram
{
    private const int Line = 64;
    private const int PlaneCount = 8;
    private const int LowPlanes = 3;
    private const int LowValues = 1 << LowPlanes;

    // A byte grows by at most eight a step.
    private const int StepsPerByte = 31;

    public static bool IsSupported => Avx512BW.IsSupported;

    /// <summary>See <see cref="DistanceHistogram.CountBlocks"/>.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Count(byte* distances, nint blockBytes, int blocks, int dimension, int* counts)
    {
        new Span<int>(counts, DistanceHistogram.Entries).Clear();
        int groups = (dimension / LowValues) + 1;
        Vector512<byte>* sums = stackalloc Vector512<byte>[groups * LowValues];
        uint met = 0;
        int steps = 0;
        for (int block = 0; block < blocks; block += PlaneCount)
        {
            met = Step(distances + (block * blockBytes), blockBytes, Math.Min(PlaneCount, blocks - block), groups, sums, met);
            if (++steps == StepsPerByte || block + PlaneCount >= blocks)
            {
                Empty(sums, met, counts);
                met = 0;
                steps = 0;
            }
        }
    }

    // Gives which groups have been met, whose sums are valid.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static uint Step(byte* distances, nint blockBytes, int blocks, int groups, Vector512<byte>* sums, uint met)
    {
        ulong* planes = stackalloc ulong[PlaneCount * PlaneCount];
        for (int block = 0; block < PlaneCount; block++)
        {
            // Blocks beyond the last are out of every range.
            Vector512<ushort> bytes = (block < blocks ? Vector512.Load(distances) : Vector512<byte>.AllBitsSet).AsUInt16();
            distances += blockBytes;
            planes[block] = (bytes << 7).AsByte().ExtractMostSignificantBits();
            planes[PlaneCount + block] = (bytes << 6).AsByte().ExtractMostSignificantBits();
            planes[(2 * PlaneCount) + block] = (bytes << 5).AsByte().ExtractMostSignificantBits();
            planes[(3 * PlaneCount) + block] = (bytes << 4).AsByte().ExtractMostSignificantBits();
            planes[(4 * PlaneCount) + block] = (bytes << 3).AsByte().ExtractMostSignificantBits();
            planes[(5 * PlaneCount) + block] = (bytes << 2).AsByte().ExtractMostSignificantBits();
            planes[(6 * PlaneCount) + block] = (bytes << 1).AsByte().ExtractMostSignificantBits();
            planes[(7 * PlaneCount) + block] = bytes.AsByte().ExtractMostSignificantBits();
        }

        Vector512<ulong> bit0 = Vector512.Load(planes), bit1 = Vector512.Load(planes + 8), bit2 = Vector512.Load(planes + 16), bit3 = Vector512.Load(planes + 24);
        Vector512<ulong> bit4 = Vector512.Load(planes + 32), bit5 = Vector512.Load(planes + 40), bit6 = Vector512.Load(planes + 48), bit7 = Vector512.Load(planes + 56);
        Vector512<ulong> low0 = ~(bit0 | bit1 | bit2), low1 = bit0 & ~(bit1 | bit2), low2 = bit1 & ~(bit0 | bit2), low3 = bit0 & bit1 & ~bit2;
        Vector512<ulong> low4 = bit2 & ~(bit0 | bit1), low5 = bit0 & bit2 & ~bit1, low6 = bit1 & bit2 & ~bit0, low7 = bit0 & bit1 & bit2;
        for (int group = 0; group < groups; group++)
        {
            Vector512<ulong> members = Match(bit3, group) & Match(bit4, group >> 1) & Match(bit5, group >> 2) & Match(bit6, group >> 3) & Match(bit7, group >> 4);
            if (members == Vector512<ulong>.Zero)
            {
                continue;
            }

            Vector512<byte>* sum = sums + (group * LowValues);
            if ((met & (1u << group)) == 0)
            {
                met |= 1u << group;
                new Span<byte>(sum, LowValues * Line).Clear();
            }

            sum[0] += BitCounts(members & low0);
            sum[1] += BitCounts(members & low1);
            sum[2] += BitCounts(members & low2);
            sum[3] += BitCounts(members & low3);
            sum[4] += BitCounts(members & low4);
            sum[5] += BitCounts(members & low5);
            sum[6] += BitCounts(members & low6);
            sum[7] += BitCounts(members & low7);
        }

        return met;
    }

    // The plane where the group's bit is 1, its complement where it is 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Match(Vector512<ulong> plane, int group) => plane ^ Vector512.Create((ulong)(group & 1) - 1);

    // Set bits of every byte.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> BitCounts(Vector512<ulong> mask)
    {
        // Four copies: the shuffle stays within 128 bits.
        Vector512<byte> counts = Vector512.Create(0x0302020102010100UL, 0x0403030203020201UL, 0x0302020102010100UL, 0x0403030203020201UL, 0x0302020102010100UL, 0x0403030203020201UL, 0x0302020102010100UL, 0x0403030203020201UL).AsByte();
        Vector512<byte> nibble = Vector512.Create((byte)0x0F);
        return Avx512BW.Shuffle(counts, mask.AsByte() & nibble) + Avx512BW.Shuffle(counts, (mask >> 4).AsByte() & nibble);
    }

    // Eight distances' sums at a time to eight counters.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Empty(Vector512<byte>* sums, uint met, int* counts)
    {
        for (; met != 0; met &= met - 1)
        {
            int first = BitOperations.TrailingZeroCount(met) * LowValues;
            Vector512<ulong> even = FourSums(sums + first);
            Vector512<ulong> odd = FourSums(sums + first + 1);
            Vector512<ulong> all = Avx512F.UnpackLow(even, odd) + Avx512F.UnpackHigh(even, odd);
            (Vector256.Load(counts + first) + Avx512F.ConvertToVector256Int32(all)).Store(counts + first);
        }
    }

    // Sums of the bytes of the first, third, fifth and seventh vector, a 128-bit part each.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> FourSums(Vector512<byte>* sums)
    {
        Vector512<ulong> first = TwoSums(sums[0], sums[2]);
        Vector512<ulong> second = TwoSums(sums[4], sums[6]);
        return Avx512F.Shuffle4x128(first, second, 0x88) + Avx512F.Shuffle4x128(first, second, 0xDD);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> TwoSums(Vector512<byte> first, Vector512<byte> second)
    {
        Vector512<ulong> low = Avx512BW.SumAbsoluteDifferences(first, Vector512<byte>.Zero).AsUInt64();
        Vector512<ulong> high = Avx512BW.SumAbsoluteDifferences(second, Vector512<byte>.Zero).AsUInt64();
        return Avx512F.Shuffle4x128(low, high, 0x44) + Avx512F.Shuffle4x128(low, high, 0xEE);
    }
}
