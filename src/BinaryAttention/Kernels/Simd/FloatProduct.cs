// C[6 rows][panel] (+)= A[6 rows][depth] B[depth][panel], one panel of two vectors: twelve sums stay in registers, per depth step two loads of B, six broadcasts of A and
// twelve fused multiply-adds, which is enough independent work to fill two FMA units of latency four.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class FloatProduct<TVector, TLanes>
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    public static int PanelColumns => 2 * TLanes.Count;

    /// <summary>Multiplies six rows by one panel.</summary>
    /// <param name="left">Six rows of A.</param>
    /// <param name="leftStride">Elements from row to row of A.</param>
    /// <param name="panel">B, <see cref="PanelColumns"/> columns per depth step.</param>
    /// <param name="depth">Length of the sums.</param>
    /// <param name="result">Six rows of C.</param>
    /// <param name="resultStride">Elements from row to row of C.</param>
    /// <param name="accumulate">Whether to add to what C holds.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* left, nint leftStride, float* panel, int depth, float* result, nint resultStride, bool accumulate)
    {
        int lanes = TLanes.Count;
        TVector sum00 = TLanes.Zero, sum01 = TLanes.Zero, sum10 = TLanes.Zero, sum11 = TLanes.Zero, sum20 = TLanes.Zero, sum21 = TLanes.Zero;
        TVector sum30 = TLanes.Zero, sum31 = TLanes.Zero, sum40 = TLanes.Zero, sum41 = TLanes.Zero, sum50 = TLanes.Zero, sum51 = TLanes.Zero;
        float* end = left + depth;
        float* left3 = left + (3 * leftStride);
        while (left < end)
        {
            TVector column0 = TLanes.Load(panel);
            TVector column1 = TLanes.Load(panel + lanes);
            TVector row = TLanes.Create(left[0]);
            sum00 = TLanes.MultiplyAdd(row, column0, sum00);
            sum01 = TLanes.MultiplyAdd(row, column1, sum01);
            row = TLanes.Create(left[leftStride]);
            sum10 = TLanes.MultiplyAdd(row, column0, sum10);
            sum11 = TLanes.MultiplyAdd(row, column1, sum11);
            row = TLanes.Create(left[2 * leftStride]);
            sum20 = TLanes.MultiplyAdd(row, column0, sum20);
            sum21 = TLanes.MultiplyAdd(row, column1, sum21);
            row = TLanes.Create(left3[0]);
            sum30 = TLanes.MultiplyAdd(row, column0, sum30);
            sum31 = TLanes.MultiplyAdd(row, column1, sum31);
            row = TLanes.Create(left3[leftStride]);
            sum40 = TLanes.MultiplyAdd(row, column0, sum40);
            sum41 = TLanes.MultiplyAdd(row, column1, sum41);
            row = TLanes.Create(left3[2 * leftStride]);
            sum50 = TLanes.MultiplyAdd(row, column0, sum50);
            sum51 = TLanes.MultiplyAdd(row, column1, sum51);
            panel += 2 * lanes;
            left++;
            left3++;
        }

        Write(sum00, sum01, result, accumulate);
        Write(sum10, sum11, result + resultStride, accumulate);
        Write(sum20, sum21, result + (2 * resultStride), accumulate);
        Write(sum30, sum31, result + (3 * resultStride), accumulate);
        Write(sum40, sum41, result + (4 * resultStride), accumulate);
        Write(sum50, sum51, result + (5 * resultStride), accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(TVector sum0, TVector sum1, float* result, bool accumulate)
    {
        if (accumulate)
        {
            sum0 = TLanes.Add(sum0, TLanes.Load(result));
            sum1 = TLanes.Add(sum1, TLanes.Load(result + TLanes.Count));
        }

        TLanes.Store(sum0, result);
        TLanes.Store(sum1, result + TLanes.Count);
    }
}
