// Products with signs by table lookup (AVX-512): sums[row][channel] += sum over tokens of factor[row][token] * sign[token][channel]. Four tokens have sixteen sign patterns; their sixteen signed sums
// fill one vector, and one permutation looks the patterns of sixteen channels up in it. Making a table takes four multiply-adds; for 64 channels four lookups and four additions follow, where a plain
// product has sixteen multiply-adds, and the three kinds of instructions run on different ports.
// Lane m of a table holds sum_b factor[b] * (bit b of m ? weight : -weight); index lane c of a group holds the bits of its four tokens at channel c, bit b for token b.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Backward;

internal static unsafe class SignTables
{
    /// <summary>Tokens of a group.</summary>
    public const int GroupTokens = 4;

    /// <summary>Rows that <see cref="AddFour"/> takes.</summary>
    public const int Rows = 4;

    /// <summary>Channels of a panel: four vectors.</summary>
    public const int PanelChannels = 64;

    /// <summary>Numbers that <see cref="WriteSigns"/> writes.</summary>
    public const int SignElements = GroupTokens * Entries;

    private const int Entries = 16;

    /// <summary>Groups that hold some tokens.</summary>
    public static int Groups(int tokens) => (tokens + GroupTokens - 1) / GroupTokens;

    /// <summary>Writes the patterns of four tokens; those beyond the last one count as 0 bits and must have factor 0.</summary>
    /// <param name="words">Sign words of the first token.</param>
    /// <param name="tokens">Tokens of the group, at most four.</param>
    /// <param name="dimension">Channels.</param>
    /// <param name="indices">Receives one index per channel, for whole panels.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteIndices(ulong* words, int tokens, int dimension, int* indices)
    {
        Vector512<uint> lane = Vector512.CreateSequence(0u, 1u);
        int wordsPerToken = SignRow.Words(dimension);
        for (int channel = 0; channel < wordsPerToken * 64; channel += Vector512<int>.Count)
        {
            Vector512<uint> index = Vector512<uint>.Zero;
            for (int token = 0; token < tokens; token++)
            {
                uint bits = (uint)(words[(token * wordsPerToken) + (channel / 64)] >> (channel % 64)) & 0xFFFF;
                index |= (Avx512F.ShiftRightLogicalVariable(Vector512.Create(bits), lane) & Vector512<uint>.One) << token;
            }

            index.AsInt32().Store(indices + channel);
        }
    }

    /// <summary>Writes what the factors of a group multiply: for each of four tokens a weight, signed by table entry.</summary>
    public static void WriteSigns(float weight, float* signs)
    {
        for (int i = 0; i < SignElements; i++)
        {
            signs[i] = ((i % Entries >> (i / Entries)) & 1) != 0 ? weight : -weight;
        }
    }

    /// <summary>Adds one panel of channels to four rows of sums.</summary>
    /// <param name="factors">The first row's factor of the first token.</param>
    /// <param name="rowStep">Elements from row to row of factors.</param>
    /// <param name="tokenStep">Elements from token to token of factors.</param>
    /// <param name="signs">See <see cref="WriteSigns"/>.</param>
    /// <param name="indices">The panel's indices of the first group.</param>
    /// <param name="groupIndices">Elements from group to group of indices.</param>
    /// <param name="groups">Groups of four tokens.</param>
    /// <param name="sums">The panel of the first row.</param>
    /// <param name="sumStride">Elements from row to row of sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddFour(float* factors, nint rowStep, nint tokenStep, float* signs, int* indices, nint groupIndices, int groups, float* sums, nint sumStride)
    {
        Vector512<float> sum00 = Vector512<float>.Zero, sum01 = Vector512<float>.Zero, sum02 = Vector512<float>.Zero, sum03 = Vector512<float>.Zero;
        Vector512<float> sum10 = Vector512<float>.Zero, sum11 = Vector512<float>.Zero, sum12 = Vector512<float>.Zero, sum13 = Vector512<float>.Zero;
        Vector512<float> sum20 = Vector512<float>.Zero, sum21 = Vector512<float>.Zero, sum22 = Vector512<float>.Zero, sum23 = Vector512<float>.Zero;
        Vector512<float> sum30 = Vector512<float>.Zero, sum31 = Vector512<float>.Zero, sum32 = Vector512<float>.Zero, sum33 = Vector512<float>.Zero;
        Vector512<float> sign0 = Vector512.Load(signs), sign1 = Vector512.Load(signs + Entries), sign2 = Vector512.Load(signs + (2 * Entries)), sign3 = Vector512.Load(signs + (3 * Entries));
        float* row1 = factors + rowStep;
        float* row2 = row1 + rowStep;
        float* row3 = row2 + rowStep;
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> index0 = Vector512.Load(indices);
            Vector512<int> index1 = Vector512.Load(indices + 16);
            Vector512<int> index2 = Vector512.Load(indices + 32);
            Vector512<int> index3 = Vector512.Load(indices + 48);
            Vector512<float> table = Table(factors, tokenStep, sign0, sign1, sign2, sign3);
            sum00 += Avx512F.PermuteVar16x32(table, index0);
            sum01 += Avx512F.PermuteVar16x32(table, index1);
            sum02 += Avx512F.PermuteVar16x32(table, index2);
            sum03 += Avx512F.PermuteVar16x32(table, index3);
            table = Table(row1, tokenStep, sign0, sign1, sign2, sign3);
            sum10 += Avx512F.PermuteVar16x32(table, index0);
            sum11 += Avx512F.PermuteVar16x32(table, index1);
            sum12 += Avx512F.PermuteVar16x32(table, index2);
            sum13 += Avx512F.PermuteVar16x32(table, index3);
            table = Table(row2, tokenStep, sign0, sign1, sign2, sign3);
            sum20 += Avx512F.PermuteVar16x32(table, index0);
            sum21 += Avx512F.PermuteVar16x32(table, index1);
            sum22 += Avx512F.PermuteVar16x32(table, index2);
            sum23 += Avx512F.PermuteVar16x32(table, index3);
            table = Table(row3, tokenStep, sign0, sign1, sign2, sign3);
            sum30 += Avx512F.PermuteVar16x32(table, index0);
            sum31 += Avx512F.PermuteVar16x32(table, index1);
            sum32 += Avx512F.PermuteVar16x32(table, index2);
            sum33 += Avx512F.PermuteVar16x32(table, index3);
            indices += groupIndices;
            factors += GroupTokens * tokenStep;
            row1 += GroupTokens * tokenStep;
            row2 += GroupTokens * tokenStep;
            row3 += GroupTokens * tokenStep;
        }

        Add(sum00, sum01, sum02, sum03, sums);
        Add(sum10, sum11, sum12, sum13, sums + sumStride);
        Add(sum20, sum21, sum22, sum23, sums + (2 * sumStride));
        Add(sum30, sum31, sum32, sum33, sums + (3 * sumStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Table(float* factors, nint tokenStep, Vector512<float> sign0, Vector512<float> sign1, Vector512<float> sign2, Vector512<float> sign3)
    {
        Vector512<float> table = Vector512.Create(factors[0]) * sign0;
        table = Vector512.MultiplyAddEstimate(Vector512.Create(factors[tokenStep]), sign1, table);
        table = Vector512.MultiplyAddEstimate(Vector512.Create(factors[2 * tokenStep]), sign2, table);
        return Vector512.MultiplyAddEstimate(Vector512.Create(factors[3 * tokenStep]), sign3, table);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector512<float> sum0, Vector512<float> sum1, Vector512<float> sum2, Vector512<float> sum3, float* sums)
    {
        (sum0 + Vector512.Load(sums)).Store(sums);
        (sum1 + Vector512.Load(sums + 16)).Store(sums + 16);
        (sum2 + Vector512.Load(sums + 32)).Store(sums + 32);
        (sum3 + Vector512.Load(sums + 48)).Store(sums + 48);
    }
}
