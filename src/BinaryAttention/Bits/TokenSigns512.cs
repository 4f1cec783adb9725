// SignRow.Pack for many tokens with 512-bit vectors: the eight lanes of a token are one vector, and eight tokens are folded at a time, a lane each, so that sums, divisions and stores are whole vectors.
// Every addition is SignRow's, in its order. Channels beyond the last are loaded as 0, which adds nothing, and their bits are cleared.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Bits;

internal static unsafe class TokenSigns512
{
    private const int Lanes = 8;
    private const int Floats = 16;
    private const int WordFloats = 64;

    // 128-bit parts of two vectors: the low halves, the high halves; even parts, odd parts.
    private const byte LowHalves = 0x44;
    private const byte HighHalves = 0xEE;
    private const byte EvenParts = 0x88;
    private const byte OddParts = 0xDD;

    public static bool IsSupported => Avx512F.IsSupported;

    /// <summary>Packs tokens with their mean magnitudes and gives the sum of all absolute values, added token after token.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Pack(float* tokens, nint tokenStride, int count, int dimension, float threshold, ulong* words, float* magnitudes)
    {
        int wordsPerToken = SignRow.Words(dimension);
        double* lanes = stackalloc double[Lanes * Lanes];
        double* sums = stackalloc double[Lanes];
        double total = 0;
        Vector512<float> smallest = Vector512.Create(threshold);
        for (int token = 0; token < count; token += Lanes)
        {
            int part = Math.Min(Lanes, count - token);
            if (dimension == WordFloats)
            {
                for (int i = 0; i < part; i++)
                {
                    AddWord(Vector512<double>.Zero, tokens, smallest, words + i).Store(lanes + (i * Lanes));
                    tokens += tokenStride;
                }
            }
            else
            {
                for (int i = 0; i < part; i++)
                {
                    Token(tokens, dimension, smallest, words + (i * wordsPerToken)).Store(lanes + (i * Lanes));
                    tokens += tokenStride;
                }
            }

            words += part * wordsPerToken;
            Vector512<double> folded = Fold(lanes);
            folded.Store(sums);
            Vector256<float> means = Avx512F.ConvertToVector256Single(folded / Vector512.Create((double)dimension));
            if (part == Lanes)
            {
                means.Store(magnitudes + token);
                total = total + sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
                continue;
            }

            for (int i = 0; i < part; i++)
            {
                magnitudes[token + i] = means.GetElement(i);
                total += sums[i];
            }
        }

        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<double> Token(float* channels, int dimension, Vector512<float> smallest, ulong* words)
    {
        Vector512<double> lanes = Vector512<double>.Zero;
        int left = dimension;
        for (; left >= WordFloats; left -= WordFloats)
        {
            lanes = AddWord(lanes, channels, smallest, words);
            channels += WordFloats;
            words++;
        }

        return left == 0 ? lanes : AddRest(lanes, channels, left, smallest, words);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> AddWord(Vector512<double> lanes, float* channels, Vector512<float> smallest, ulong* word)
    {
        *word = Bits(Vector512.Load(channels), smallest)
            | (Bits(Vector512.Load(channels + Floats), smallest) << Floats)
            | (Bits(Vector512.Load(channels + (2 * Floats)), smallest) << (2 * Floats))
            | (Bits(Vector512.Load(channels + (3 * Floats)), smallest) << (3 * Floats));
        lanes += Size(channels);
        lanes += Size(channels + Lanes);
        lanes += Size(channels + (2 * Lanes));
        lanes += Size(channels + (3 * Lanes));
        lanes += Size(channels + (4 * Lanes));
        lanes += Size(channels + (5 * Lanes));
        lanes += Size(channels + (6 * Lanes));
        return lanes + Size(channels + (7 * Lanes));
    }

    // The last, partial word.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> AddRest(Vector512<double> lanes, float* channels, int left, Vector512<float> smallest, ulong* word)
    {
        ulong bits = 0;
        int shift = 0;
        for (; left >= Floats; left -= Floats)
        {
            bits |= Bits(Vector512.Load(channels), smallest) << shift;
            lanes += Size(channels);
            lanes += Size(channels + Lanes);
            channels += Floats;
            shift += Floats;
        }

        if (left > 0)
        {
            Vector512<float> mask = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(left)).AsSingle();
            Vector512<float> x = Avx512F.MaskLoad(channels, mask, Vector512<float>.Zero);
            bits |= (Bits(x, smallest) & ((1UL << left) - 1)) << shift;
            Vector512<float> size = Vector512.Abs(x);
            lanes += Avx512F.ConvertToVector512Double(size.GetLower());
            lanes += Avx512F.ConvertToVector512Double(size.GetUpper());
        }

        *word = bits;
        return lanes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bits(Vector512<float> x, Vector512<float> smallest) => Vector512.GreaterThanOrEqual(x, smallest).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Size(float* channels) => Vector512.Abs(Avx512F.ConvertToVector512Double(Vector256.Load(channels)));

    // Eight tokens' lanes, a row each, to eight sums: lanes i and i + 4, then i and i + 2, then the last two.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Fold(double* lanes)
    {
        Vector512<double> even = FoldFour(lanes);
        Vector512<double> odd = FoldFour(lanes + Lanes);
        return Avx512F.UnpackLow(even, odd) + Avx512F.UnpackHigh(even, odd);
    }

    // Rows 0, 2, 4 and 6: two lanes of each are left.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> FoldFour(double* lanes)
    {
        Vector512<double> first = FoldTwo(Vector512.Load(lanes), Vector512.Load(lanes + (2 * Lanes)));
        Vector512<double> second = FoldTwo(Vector512.Load(lanes + (4 * Lanes)), Vector512.Load(lanes + (6 * Lanes)));
        return Avx512F.Shuffle4x128(first, second, EvenParts) + Avx512F.Shuffle4x128(first, second, OddParts);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> FoldTwo(Vector512<double> first, Vector512<double> second) =>
        Avx512F.Shuffle4x128(first, second, LowHalves) + Avx512F.Shuffle4x128(first, second, HighHalves);
}
