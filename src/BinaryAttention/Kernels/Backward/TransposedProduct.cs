// C[8 keys][panel] += A^T B with A[depth][8 keys] and B[depth][panel], one panel of two vectors: what a tile of query rows adds to the gradients of eight neighbouring keys. With 32 registers all
// sixteen sums stay in registers; narrower vectors take four keys at a time. Per depth step two loads of B, eight broadcasts of A and sixteen fused multiply-adds.
using System.Runtime.CompilerServices;
using BinaryAttention.Kernels.Simd;

namespace BinaryAttention.Kernels.Backward;

internal static unsafe class TransposedProduct<TVector, TLanes>
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    /// <summary>Rows of C, which are columns of A.</summary>
    public const int Keys = 8;

    /// <summary>Adds one panel.</summary>
    /// <param name="left">A: eight neighbouring columns.</param>
    /// <param name="leftStride">Elements from row to row of A.</param>
    /// <param name="panel">B, two vectors per depth step.</param>
    /// <param name="depth">Rows of A and B.</param>
    /// <param name="result">Eight rows of C.</param>
    /// <param name="resultStride">Elements from row to row of C.</param>
    public static void Accumulate(float* left, nint leftStride, float* panel, int depth, float* result, nint resultStride)
    {
        if (TLanes.Count == 16)
        {
            Eight(left, leftStride, panel, depth, result, resultStride);
        }
        else
        {
            Four(left, leftStride, panel, depth, result, resultStride);
            Four(left + 4, leftStride, panel, depth, result + (4 * resultStride), resultStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight(float* left, nint leftStride, float* panel, int depth, float* result, nint resultStride)
    {
        TVector sum00 = TLanes.Zero, sum01 = TLanes.Zero, sum10 = TLanes.Zero, sum11 = TLanes.Zero, sum20 = TLanes.Zero, sum21 = TLanes.Zero, sum30 = TLanes.Zero, sum31 = TLanes.Zero;
        TVector sum40 = TLanes.Zero, sum41 = TLanes.Zero, sum50 = TLanes.Zero, sum51 = TLanes.Zero, sum60 = TLanes.Zero, sum61 = TLanes.Zero, sum70 = TLanes.Zero, sum71 = TLanes.Zero;
        for (int step = 0; step < depth; step++)
        {
            TVector column0 = TLanes.Load(panel);
            TVector column1 = TLanes.Load(panel + TLanes.Count);
            TVector key = TLanes.Create(left[0]);
            sum00 = TLanes.MultiplyAdd(key, column0, sum00);
            sum01 = TLanes.MultiplyAdd(key, column1, sum01);
            key = TLanes.Create(left[1]);
            sum10 = TLanes.MultiplyAdd(key, column0, sum10);
            sum11 = TLanes.MultiplyAdd(key, column1, sum11);
            key = TLanes.Create(left[2]);
            sum20 = TLanes.MultiplyAdd(key, column0, sum20);
            sum21 = TLanes.MultiplyAdd(key, column1, sum21);
            key = TLanes.Create(left[3]);
            sum30 = TLanes.MultiplyAdd(key, column0, sum30);
            sum31 = TLanes.MultiplyAdd(key, column1, sum31);
            key = TLanes.Create(left[4]);
            sum40 = TLanes.MultiplyAdd(key, column0, sum40);
            sum41 = TLanes.MultiplyAdd(key, column1, sum41);
            key = TLanes.Create(left[5]);
            sum50 = TLanes.MultiplyAdd(key, column0, sum50);
            sum51 = TLanes.MultiplyAdd(key, column1, sum51);
            key = TLanes.Create(left[6]);
            sum60 = TLanes.MultiplyAdd(key, column0, sum60);
            sum61 = TLanes.MultiplyAdd(key, column1, sum61);
            key = TLanes.Create(left[7]);
            sum70 = TLanes.MultiplyAdd(key, column0, sum70);
            sum71 = TLanes.MultiplyAdd(key, column1, sum71);
            left += leftStride;
            panel += 2 * TLanes.Count;
        }

        Add(sum00, sum01, result);
        Add(sum10, sum11, result + resultStride);
        Add(sum20, sum21, result + (2 * resultStride));
        Add(sum30, sum31, result + (3 * resultStride));
        Add(sum40, sum41, result + (4 * resultStride));
        Add(sum50, sum51, result + (5 * resultStride));
        Add(sum60, sum61, result + (6 * resultStride));
        Add(sum70, sum71, result + (7 * resultStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(float* left, nint leftStride, float* panel, int depth, float* result, nint resultStride)
    {
        TVector sum00 = TLanes.Zero, sum01 = TLanes.Zero, sum10 = TLanes.Zero, sum11 = TLanes.Zero, sum20 = TLanes.Zero, sum21 = TLanes.Zero, sum30 = TLanes.Zero, sum31 = TLanes.Zero;
        for (int step = 0; step < depth; step++)
        {
            TVector column0 = TLanes.Load(panel);
            TVector column1 = TLanes.Load(panel + TLanes.Count);
            TVector key = TLanes.Create(left[0]);
            sum00 = TLanes.MultiplyAdd(key, column0, sum00);
            sum01 = TLanes.MultiplyAdd(key, column1, sum01);
            key = TLanes.Create(left[1]);
            sum10 = TLanes.MultiplyAdd(key, column0, sum10);
            sum11 = TLanes.MultiplyAdd(key, column1, sum11);
            key = TLanes.Create(left[2]);
            sum20 = TLanes.MultiplyAdd(key, column0, sum20);
            sum21 = TLanes.MultiplyAdd(key, column1, sum21);
            key = TLanes.Create(left[3]);
            sum30 = TLanes.MultiplyAdd(key, column0, sum30);
            sum31 = TLanes.MultiplyAdd(key, column1, sum31);
            left += leftStride;
            panel += 2 * TLanes.Count;
        }

        Add(sum00, sum01, result);
        Add(sum10, sum11, result + resultStride);
        Add(sum20, sum21, result + (2 * resultStride));
        Add(sum30, sum31, result + (3 * resultStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(TVector sum0, TVector sum1, float* result)
    {
        TLanes.Store(TLanes.Add(sum0, TLanes.Load(result)), result);
        TLanes.Store(TLanes.Add(sum1, TLanes.Load(result + TLanes.Count)), result + TLanes.Count);
    }
}
