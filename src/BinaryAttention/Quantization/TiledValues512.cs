// Tiled quantisation with 512-bit vectors, 32 channels at a time, the last ones under a mask; gives the same bits as ValueQuantizer's own loops and is called by them.
//
// Two passes instead of three: the largest distance from the mean follows from the smallest and the largest value, because rounding is monotone: max |fl(v - m)| = max(fl(vMax - m), fl(m - vMin)).
//
// Levels are rounded in float32 where that decides them. y = (v - m) * 127 / max + 384 lies in [257, 511], where a float counts in units of 2^-15; two roundings of relative size 2^-24 and one of half
// a unit put it less than one unit from the exact number. The nearest level is the double's unless y lies within a unit of a tie (one group of four keys in 85, computed in double then).
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Quantization;

internal static unsafe class TiledValues512
{
    private const int Lanes = 16;
    private const int DoubleLanes = 8;
    private const int Channels = 2 * Lanes;
    private const int GroupKeys = 4;

    // 256 + 128: the mantissa holds the level plus 128 in its upper eight bits and 15 bits of fraction.
    private const float Offset = 384f;
    private const int FractionBits = 15;

    // Half a level, and a unit so that a tie and its two neighbours have fractions 0 to 2.
    private const int HalfAndUnit = (1 << (FractionBits - 1)) + 1;
    private const int FractionMask = (1 << FractionBits) - 1;
    private const int LastNearTie = 2;

    // Far from overflow and from denormals, where the argument above does not hold.
    private const double SmallestSize = 1e-30;
    private const double LargestSize = 1e30;

    /// <summary>Quantises as many leading channels as it takes, all or none, and gives their number.</summary>
    public static int Quantize(float* values, nint tokenStride, int tokens, in ValueLayout layout, sbyte* levels, float* scales, float* means)
    {
        if (!Avx512F.IsSupported || layout.GroupKeys != GroupKeys || layout.PanelChannels % Lanes != 0)
        {
            return 0;
        }

        for (int first = 0; first < layout.ValueDimension; first += Channels)
        {
            // Padding channels of the second vector may lie beyond the last panel; they are not stored.
            int count = Math.Min(Channels, layout.ValueDimension - first);
            sbyte* firstLevels = levels + layout.Offset(0, first);
            sbyte* secondLevels = count > Lanes ? levels + layout.Offset(0, first + Lanes) : null;
            Strip(values + first, tokenStride, tokens, count, layout.PanelChannels * GroupKeys, firstLevels, secondLevels, scales + first, means + first);
        }

        return layout.ValueDimension;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Strip(float* values, nint tokenStride, int tokens, int count, nint groupBytes, sbyte* firstLevels, sbyte* secondLevels, float* scales, float* means)
    {
        double* centres = stackalloc double[Channels];
        double* multipliers = stackalloc double[Channels];
        Vector512<float> firstMask = Mask(count);
        Vector512<float> secondMask = Mask(count - Lanes);
        bool isWhole = count == Channels;
        bool decidesInFloat = isWhole
            ? Centres<WholeVectors>(values, tokenStride, tokens, count, firstMask, secondMask, centres, multipliers, scales, means)
            : Centres<MaskedVectors>(values, tokenStride, tokens, count, firstMask, secondMask, centres, multipliers, scales, means);
        nint group = tokenStride * GroupKeys;
        int grouped = tokens & ~(GroupKeys - 1);
        int token = 0;
        if (decidesInFloat)
        {
            Vector512<float> firstCentre = Floats(centres), secondCentre = Floats(centres + Lanes);
            Vector512<float> firstMultiplier = Floats(multipliers), secondMultiplier = Floats(multipliers + Lanes);
            while (true)
            {
                // Stops at a group with a level that is not decided.
                int done = isWhole
                    ? Groups<WholeVectors>(values, tokenStride, (grouped - token) / GroupKeys, groupBytes, firstMask, secondMask, firstCentre, secondCentre, firstMultiplier, secondMultiplier, firstLevels, secondLevels)
                    : Groups<MaskedVectors>(values, tokenStride, (grouped - token) / GroupKeys, groupBytes, firstMask, secondMask, firstCentre, secondCentre, firstMultiplier, secondMultiplier, firstLevels, secondLevels);
                token += done * GroupKeys;
                values += done * group;
                firstLevels += done * groupBytes;
                secondLevels += secondLevels is null ? 0 : done * groupBytes;
                if (token == grouped)
                {
                    break;
                }

                GroupInDouble(values, tokenStride, GroupKeys, firstMask, secondMask, centres, multipliers, firstLevels, secondLevels);
                token += GroupKeys;
                values += group;
                firstLevels += groupBytes;
                secondLevels += secondLevels is null ? 0 : groupBytes;
            }
        }

        for (; token < tokens; token += GroupKeys)
        {
            GroupInDouble(values, tokenStride, Math.Min(GroupKeys, tokens - token), firstMask, secondMask, centres, multipliers, firstLevels, secondLevels);
            values += group;
            firstLevels += groupBytes;
            secondLevels += secondLevels is null ? 0 : groupBytes;
        }
    }

    // Gives how many groups were decided before one that was not.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Groups<TVectors>(
        float* values, nint tokenStride, int groups, nint groupBytes, Vector512<float> firstMask, Vector512<float> secondMask, Vector512<float> firstCentre, Vector512<float> secondCentre, Vector512<float> firstMultiplier, Vector512<float> secondMultiplier, sbyte* firstLevels, sbyte* secondLevels)
        where TVectors : struct, IVectorLoads
    {
        nint step = tokenStride * GroupKeys;
        for (int group = 0; group < groups; group++)
        {
            bool isDecided = Group<TVectors>(values, tokenStride, firstMask, firstCentre, firstMultiplier, firstLevels);
            firstLevels += groupBytes;
            if (secondLevels is not null)
            {
                isDecided &= Group<TVectors>(values + Lanes, tokenStride, secondMask, secondCentre, secondMultiplier, secondLevels);
                secondLevels += groupBytes;
            }

            if (!isDecided)
            {
                return group;
            }

            values += step;
        }

        return groups;
    }

    // Four keys of sixteen channels: bytes of 32-bit lanes. Gives false if some level is not decided.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Group<TVectors>(float* values, nint tokenStride, Vector512<float> mask, Vector512<float> centre, Vector512<float> multiplier, sbyte* levels)
        where TVectors : struct, IVectorLoads
    {
        Vector512<float> offset = Vector512.Create(Offset);
        Vector512<uint> rounding = Vector512.Create((uint)HalfAndUnit);
        Vector512<uint> fraction = Vector512.Create((uint)FractionMask);
        Vector512<uint> y0 = Vector512.FusedMultiplyAdd(TVectors.Load(values, mask) - centre, multiplier, offset).AsUInt32() + rounding;
        Vector512<uint> y1 = Vector512.FusedMultiplyAdd(TVectors.Load(values + tokenStride, mask) - centre, multiplier, offset).AsUInt32() + rounding;
        Vector512<uint> y2 = Vector512.FusedMultiplyAdd(TVectors.Load(values + (2 * tokenStride), mask) - centre, multiplier, offset).AsUInt32() + rounding;
        Vector512<uint> y3 = Vector512.FusedMultiplyAdd(TVectors.Load(values + (3 * tokenStride), mask) - centre, multiplier, offset).AsUInt32() + rounding;
        Vector512<uint> smallest = Vector512.Min(Vector512.Min(y0 & fraction, y1 & fraction), Vector512.Min(y2 & fraction, y3 & fraction));

        // Each level's eight bits to its key's byte. Levels were counted from -128.
        Vector512<uint> low = Vector512.ConditionalSelect(Vector512.Create(0xFFu), y0 >> FractionBits, y1 >> (FractionBits - 8));
        Vector512<uint> high = Vector512.ConditionalSelect(Vector512.Create(0xFF0000u), y2 << (16 - FractionBits), y3 << (24 - FractionBits));
        Vector512<uint> all = Vector512.ConditionalSelect(Vector512.Create(0xFFFFu), low, high) ^ Vector512.Create(0x80808080u);
        all.AsSByte().Store(levels);
        return Vector512.GreaterThanAll(smallest, Vector512.Create((uint)LastNearTie));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GroupInDouble(float* values, nint tokenStride, int count, Vector512<float> firstMask, Vector512<float> secondMask, double* centres, double* multipliers, sbyte* firstLevels, sbyte* secondLevels)
    {
        Vector512<int> first = Vector512<int>.Zero;
        Vector512<int> second = Vector512<int>.Zero;
        for (int key = 0; key < count; key++)
        {
            first |= Levels(Avx512F.MaskLoad(values, firstMask, Vector512<float>.Zero), centres, multipliers) << (8 * key);
            if (secondLevels is not null)
            {
                second |= Levels(Avx512F.MaskLoad(values + Lanes, secondMask, Vector512<float>.Zero), centres + Lanes, multipliers + Lanes) << (8 * key);
            }

            values += tokenStride;
        }

        first.AsSByte().Store(firstLevels);
        if (secondLevels is not null)
        {
            second.AsSByte().Store(secondLevels);
        }
    }

    // Sixteen levels as bytes of 32-bit lanes. The conversion rounds halves to even; NaN lanes (non-finite channels) convert to a number whose low byte is 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Levels(Vector512<float> value, double* centres, double* multipliers)
    {
        (Vector512<double> low, Vector512<double> high) = Vector512.Widen(value);
        Vector256<int> lowLevels = Avx512F.ConvertToVector256Int32((low - Vector512.Load(centres)) * Vector512.Load(multipliers));
        Vector256<int> highLevels = Avx512F.ConvertToVector256Int32((high - Vector512.Load(centres + DoubleLanes)) * Vector512.Load(multipliers + DoubleLanes));
        return Vector512.Create(lowLevels, highLevels) & Vector512.Create(0xFF);
    }

    // Means, scales and what levels are computed with. Gives whether float32 can decide levels. A padding channel is a channel of zeros.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Centres<TVectors>(float* values, nint tokenStride, int tokens, int count, Vector512<float> firstMask, Vector512<float> secondMask, double* centres, double* multipliers, float* scales, float* means)
        where TVectors : struct, IVectorLoads
    {
        Vector512<double> sum0 = Vector512<double>.Zero, sum1 = Vector512<double>.Zero, sum2 = Vector512<double>.Zero, sum3 = Vector512<double>.Zero;
        Vector512<float> smallest0 = Vector512.Create(float.PositiveInfinity), smallest1 = smallest0;
        Vector512<float> largest0 = Vector512.Create(float.NegativeInfinity), largest1 = largest0;
        for (int token = 0; token < tokens; token++)
        {
            Vector512<float> first = TVectors.Load(values, firstMask);
            Vector512<float> second = TVectors.Load(values + Lanes, secondMask);
            sum0 += TVectors.Lower(values, first);
            sum1 += TVectors.Upper(values, first);
            sum2 += TVectors.Lower(values + Lanes, second);
            sum3 += TVectors.Upper(values + Lanes, second);
            smallest0 = Vector512.MinNative(smallest0, first);
            smallest1 = Vector512.MinNative(smallest1, second);
            largest0 = Vector512.MaxNative(largest0, first);
            largest1 = Vector512.MaxNative(largest1, second);
            values += tokenStride;
        }

        // Padding channels are zeros: scale and mean 0, as they were. Those beyond the panel have no room.
        double number = tokens;
        bool decidesInFloat = Finish(sum0 / number, smallest0.GetLower(), largest0.GetLower(), centres, multipliers, scales, means)
            & Finish(sum1 / number, smallest0.GetUpper(), largest0.GetUpper(), centres + 8, multipliers + 8, scales + 8, means + 8);
        if (count > Lanes)
        {
            decidesInFloat &= Finish(sum2 / number, smallest1.GetLower(), largest1.GetLower(), centres + 16, multipliers + 16, scales + 16, means + 16)
                & Finish(sum3 / number, smallest1.GetUpper(), largest1.GetUpper(), centres + 24, multipliers + 24, scales + 24, means + 24);
        }

        return decidesInFloat;
    }

    // Eight channels from their exact means and extremes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Finish(Vector512<double> exactMean, Vector256<float> smallest, Vector256<float> largest, double* centres, double* multipliers, float* scales, float* means)
    {
        Vector256<float> mean = Avx512F.ConvertToVector256Single(exactMean);
        Vector512<double> centre = Avx512F.ConvertToVector512Double(mean);
        Vector512<double> size = Vector512.MaxNative(Vector512.Abs(Avx512F.ConvertToVector512Double(largest) - centre), Vector512.Abs(Avx512F.ConvertToVector512Double(smallest) - centre));

        // A non-finite value makes the channel's mean non-finite, whatever the extremes made of it.
        Vector512<double> isFinite = Vector512.LessThan(Vector512.Abs(centre), Vector512.Create(double.PositiveInfinity));
        Vector512<double> isPositive = Vector512.GreaterThan(size, Vector512<double>.Zero);
        centre.Store(centres);
        ((Vector512.Create(127.0) / size) & isFinite & isPositive).Store(multipliers);
        Avx512F.ConvertToVector256Single((size / Vector512.Create(127.0)) & isFinite).Store(scales);
        Avx512F.ConvertToVector256Single(Vector512.ConditionalSelect(isFinite, centre, Vector512.Create(double.NaN))).Store(means);
        Vector512<double> isModerate = Vector512.GreaterThan(size, Vector512.Create(SmallestSize)) & Vector512.LessThan(size, Vector512.Create(LargestSize));
        return Vector512.EqualsAll((isFinite & (isModerate | Vector512.Equals(size, Vector512<double>.Zero))).AsInt64(), Vector512<long>.AllBitsSet);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Floats(double* source) =>
        Vector512.Create(Avx512F.ConvertToVector256Single(Vector512.Load(source)), Avx512F.ConvertToVector256Single(Vector512.Load(source + DoubleLanes)));

    private static Vector512<float> Mask(int count) => Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    private interface IVectorLoads
    {
        static abstract Vector512<float> Load(float* source, Vector512<float> mask);

        static abstract Vector512<double> Lower(float* source, Vector512<float> loaded);

        static abstract Vector512<double> Upper(float* source, Vector512<float> loaded);
    }

    private readonly struct WholeVectors : IVectorLoads
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load(float* source, Vector512<float> mask) => Vector512.Load(source);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<double> Lower(float* source, Vector512<float> loaded) => Avx512F.ConvertToVector512Double(Vector256.Load(source));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<double> Upper(float* source, Vector512<float> loaded) => Avx512F.ConvertToVector512Double(Vector256.Load(source + DoubleLanes));
    }

    private readonly struct MaskedVectors : IVectorLoads
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load(float* source, Vector512<float> mask) => Avx512F.MaskLoad(source, mask, Vector512<float>.Zero);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<double> Lower(float* source, Vector512<float> loaded) => Avx512F.ConvertToVector512Double(loaded.GetLower());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<double> Upper(float* source, Vector512<float> loaded) => Avx512F.ConvertToVector512Double(loaded.GetUpper());
    }
}
