// Products with signs by table lookup (AVX-512): sums[row][channel] += sum over tokens of factor[row][token] * sign[token][channel]. Four tokens have sixteen sign patterns; their sixteen signed sums
// fill one vector, and one permutation looks the patterns of sixteen channels up in it. A lookup and an addition stand for 64 multiply-adds, which are four instructions otherwise, and the two run on
// other ports than multiplications do.
// Lane m of a table holds sum_b factor[b] * (bit b of m ? 1 : -1); index lane c of a group holds the bits of its four tokens at channel c, bit b for token b.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Backward;

internal static unsafe class SignTables
{
    /// <summary>Tokens of a group.</summary>
    public const int GroupTokens = 4;

    /// <summary>Entries of a table.</summary>
    public const int Entries = 16;

    /// <summary>Channels of a panel: four vectors.</summary>
    public const int PanelChannels = 64;

    /// <summary>Numbers of one group's signed weights: four vectors.</summary>
    public const int GroupWeights = GroupTokens * Entries;

    /// <summary>Writes the patterns of four tokens; those beyond the last one count as 0 bits and must have factor or weight 0.</summary>
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

    /// <summary>Writes what a group's factors multiply: for each of four tokens its weight, signed by table entry.</summary>
    public static void WriteWeights(float weight, int token, float* weights)
    {
        for (int entry = 0; entry < Entries; entry++)
        {
            weights[(token * Entries) + entry] = ((entry >> token) & 1) != 0 ? weight : -weight;
        }
    }

    /// <summary>Tables of one row of factors, group after group.</summary>
    /// <param name="factors">Neighbouring factors.</param>
    /// <param name="groups">Groups of four.</param>
    /// <param name="signs">The signed weights of four tokens of weight 1.</param>
    /// <param name="tables">Receives one table per group.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteRow(float* factors, int groups, float* signs, float* tables)
    {
        Vector512<float> sign0 = Vector512.Load(signs);
        Vector512<float> sign1 = Vector512.Load(signs + Entries);
        Vector512<float> sign2 = Vector512.Load(signs + (2 * Entries));
        Vector512<float> sign3 = Vector512.Load(signs + (3 * Entries));
        for (int group = 0; group < groups; group++)
        {
            Vector512<float> table = Vector512.Create(factors[0]) * sign0;
            table = Vector512.MultiplyAddEstimate(Vector512.Create(factors[1]), sign1, table);
            table = Vector512.MultiplyAddEstimate(Vector512.Create(factors[2]), sign2, table);
            Vector512.MultiplyAddEstimate(Vector512.Create(factors[3]), sign3, table).Store(tables);
            factors += GroupTokens;
            tables += Entries;
        }
    }

    /// <summary>Tables of one column of factors, group after group.</summary>
    /// <param name="factors">The column's first factor.</param>
    /// <param name="stride">Elements from factor to factor.</param>
    /// <param name="groups">Groups of four.</param>
    /// <param name="weights">Signed weights of all tokens (<see cref="WriteWeights"/>).</param>
    /// <param name="tables">Receives one table per group.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteColumn(float* factors, nint stride, int groups, float* weights, float* tables)
    {
        for (int group = 0; group < groups; group++)
        {
            Vector512<float> table = Vector512.Create(factors[0]) * Vector512.Load(weights);
            table = Vector512.MultiplyAddEstimate(Vector512.Create(factors[stride]), Vector512.Load(weights + Entries), table);
            table = Vector512.MultiplyAddEstimate(Vector512.Create(factors[2 * stride]), Vector512.Load(weights + (2 * Entries)), table);
            Vector512.MultiplyAddEstimate(Vector512.Create(factors[3 * stride]), Vector512.Load(weights + (3 * Entries)), table).Store(tables);
            factors += GroupTokens * stride;
            weights += GroupWeights;
            tables += Entries;
        }
    }

    /// <summary>Adds one panel of channels to six rows.</summary>
    /// <param name="tables">Tables of the first row.</param>
    /// <param name="rowTables">Elements from row to row of tables.</param>
    /// <param name="indices">The panel's indices of the first group.</param>
    /// <param name="groupIndices">Elements from group to group of indices.</param>
    /// <param name="groups">Groups of four tokens.</param>
    /// <param name="sums">The panel of the first row.</param>
    /// <param name="sumStride">Elements from row to row of sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSix(float* tables, nint rowTables, int* indices, nint groupIndices, int groups, float* sums, nint sumStride)
    {
        Vector512<float> sum00 = Vector512<float>.Zero, sum01 = Vector512<float>.Zero, sum02 = Vector512<float>.Zero, sum03 = Vector512<float>.Zero;
        Vector512<float> sum10 = Vector512<float>.Zero, sum11 = Vector512<float>.Zero, sum12 = Vector512<float>.Zero, sum13 = Vector512<float>.Zero;
        Vector512<float> sum20 = Vector512<float>.Zero, sum21 = Vector512<float>.Zero, sum22 = Vector512<float>.Zero, sum23 = Vector512<float>.Zero;
        Vector512<float> sum30 = Vector512<float>.Zero, sum31 = Vector512<float>.Zero, sum32 = Vector512<float>.Zero, sum33 = Vector512<float>.Zero;
        Vector512<float> sum40 = Vector512<float>.Zero, sum41 = Vector512<float>.Zero, sum42 = Vector512<float>.Zero, sum43 = Vector512<float>.Zero;
        Vector512<float> sum50 = Vector512<float>.Zero, sum51 = Vector512<float>.Zero, sum52 = Vector512<float>.Zero, sum53 = Vector512<float>.Zero;
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> index0 = Vector512.Load(indices);
            Vector512<int> index1 = Vector512.Load(indices + 16);
            Vector512<int> index2 = Vector512.Load(indices + 32);
            Vector512<int> index3 = Vector512.Load(indices + 48);
            Vector512<float> table = Vector512.Load(tables);
            sum00 += Avx512F.PermuteVar16x32(table, index0);
            sum01 += Avx512F.PermuteVar16x32(table, index1);
            sum02 += Avx512F.PermuteVar16x32(table, index2);
            sum03 += Avx512F.PermuteVar16x32(table, index3);
            table = Vector512.Load(tables + rowTables);
            sum10 += Avx512F.PermuteVar16x32(table, index0);
            sum11 += Avx512F.PermuteVar16x32(table, index1);
            sum12 += Avx512F.PermuteVar16x32(table, index2);
            sum13 += Avx512F.PermuteVar16x32(table, index3);
            table = Vector512.Load(tables + (2 * rowTables));
            sum20 += Avx512F.PermuteVar16x32(table, index0);
            sum21 += Avx512F.PermuteVar16x32(table, index1);
            sum22 += Avx512F.PermuteVar16x32(table, index2);
            sum23 += Avx512F.PermuteVar16x32(table, index3);
            table = Vector512.Load(tables + (3 * rowTables));
            sum30 += Avx512F.PermuteVar16x32(table, index0);
            sum31 += Avx512F.PermuteVar16x32(table, index1);
            sum32 += Avx512F.PermuteVar16x32(table, index2);
            sum33 += Avx512F.PermuteVar16x32(table, index3);
            table = Vector512.Load(tables + (4 * rowTables));
            sum40 += Avx512F.PermuteVar16x32(table, index0);
            sum41 += Avx512F.PermuteVar16x32(table, index1);
            sum42 += Avx512F.PermuteVar16x32(table, index2);
            sum43 += Avx512F.PermuteVar16x32(table, index3);
            table = Vector512.Load(tables + (5 * rowTables));
            sum50 += Avx512F.PermuteVar16x32(table, index0);
            sum51 += Avx512F.PermuteVar16x32(table, index1);
            sum52 += Avx512F.PermuteVar16x32(table, index2);
            sum53 += Avx512F.PermuteVar16x32(table, index3);
            indices += groupIndices;
            tables += Entries;
        }

        Add(sum00, sum01, sum02, sum03, sums);
        Add(sum10, sum11, sum12, sum13, sums + sumStride);
        Add(sum20, sum21, sum22, sum23, sums + (2 * sumStride));
        Add(sum30, sum31, sum32, sum33, sums + (3 * sumStride));
        Add(sum40, sum41, sum42, sum43, sums + (4 * sumStride));
        Add(sum50, sum51, sum52, sum53, sums + (5 * sumStride));
    }

    /// <summary>The same for four rows.</summary>
    /// <param name="tables">Tables of the first row.</param>
    /// <param name="rowTables">Elements from row to row of tables.</param>
    /// <param name="indices">The panel's indices of the first group.</param>
    /// <param name="groupIndices">Elements from group to group of indices.</param>
    /// <param name="groups">Groups of four tokens.</param>
    /// <param name="sums">The panel of the first row.</param>
    /// <param name="sumStride">Elements from row to row of sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddFour(float* tables, nint rowTables, int* indices, nint groupIndices, int groups, float* sums, nint sumStride)
    {
        Vector512<float> sum00 = Vector512<float>.Zero, sum01 = Vector512<float>.Zero, sum02 = Vector512<float>.Zero, sum03 = Vector512<float>.Zero;
        Vector512<float> sum10 = Vector512<float>.Zero, sum11 = Vector512<float>.Zero, sum12 = Vector512<float>.Zero, sum13 = Vector512<float>.Zero;
        Vector512<float> sum20 = Vector512<float>.Zero, sum21 = Vector512<float>.Zero, sum22 = Vector512<float>.Zero, sum23 = Vector512<float>.Zero;
        Vector512<float> sum30 = Vector512<float>.Zero, sum31 = Vector512<float>.Zero, sum32 = Vector512<float>.Zero, sum33 = Vector512<float>.Zero;
        for (int group = 0; group < groups; group++)
        {
            Vector512<int> index0 = Vector512.Load(indices);
            Vector512<int> index1 = Vector512.Load(indices + 16);
            Vector512<int> index2 = Vector512.Load(indices + 32);
            Vector512<int> index3 = Vector512.Load(indices + 48);
            Vector512<float> table = Vector512.Load(tables);
            sum00 += Avx512F.PermuteVar16x32(table, index0);
            sum01 += Avx512F.PermuteVar16x32(table, index1);
            sum02 += Avx512F.PermuteVar16x32(table, index2);
            sum03 += Avx512F.PermuteVar16x32(table, index3);
            table = Vector512.Load(tables + rowTables);
            sum10 += Avx512F.PermuteVar16x32(table, index0);
            sum11 += Avx512F.PermuteVar16x32(table, index1);
            sum12 += Avx512F.PermuteVar16x32(table, index2);
            sum13 += Avx512F.PermuteVar16x32(table, index3);
            table = Vector512.Load(tables + (2 * rowTables));
            sum20 += Avx512F.PermuteVar16x32(table, index0);
            sum21 += Avx512F.PermuteVar16x32(table, index1);
            sum22 += Avx512F.PermuteVar16x32(table, index2);
            sum23 += Avx512F.PermuteVar16x32(table, index3);
            table = Vector512.Load(tables + (3 * rowTables));
            sum30 += Avx512F.PermuteVar16x32(table, index0);
            sum31 += Avx512F.PermuteVar16x32(table, index1);
            sum32 += Avx512F.PermuteVar16x32(table, index2);
            sum33 += Avx512F.PermuteVar16x32(table, index3);
            indices += groupIndices;
            tables += Entries;
        }

        Add(sum00, sum01, sum02, sum03, sums);
        Add(sum10, sum11, sum12, sum13, sums + sumStride);
        Add(sum20, sum21, sum22, sum23, sums + (2 * sumStride));
        Add(sum30, sum31, sum32, sum33, sums + (3 * sumStride));
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
