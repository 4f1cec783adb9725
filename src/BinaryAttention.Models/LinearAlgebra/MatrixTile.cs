// The inner product kernel: 6 rows x 2 vectors of y = x W^T + b, in registers over the whole depth.
//
//   accumulators[r][v] = b[v] + sum over k of x[r][k] * panel[k][v]      one fused multiply-add per term, k ascending
//
// 12 accumulators, 2 panel vectors and 1 broadcast fit the 16 registers of AVX2. Per k: 12 multiply-adds against 8 loads, so the multipliers are the
// limit: 133 to 140 billion multiply-adds a second on one Zen 5 core (512-bit vectors, 197 rows, depth 192 and 768; November 2026). Every output is summed in the same order wherever its row or column lies in a
// tile, hence identical bits however the work is cut up.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Models.LinearAlgebra;

internal static unsafe class MatrixTile<TVector, TOperations>
    where TVector : struct
    where TOperations : struct, IVectorOperations<TVector>
{
    public const int Rows = 6;

    /// <summary>Computes one tile.</summary>
    /// <param name="x">First input row.</param>
    /// <param name="depth">Inputs; also the distance between input rows.</param>
    /// <param name="rows">Rows of the tile that exist, 1 to 6; the missing ones are computed from the last row and thrown away.</param>
    /// <param name="panel">Packed weights of two vectors' columns.</param>
    /// <param name="bias">Bias of these columns.</param>
    /// <param name="y">First output; two whole vectors of every row are written.</param>
    /// <param name="stride">Distance between output rows.</param>
    /// <param name="add">Adds to what <paramref name="y"/> holds.</param>
    // AggressiveOptimization: without it the first calls run unoptimised, with every vector operation a call, about a hundred times slower.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* x, nint depth, int rows, float* panel, float* bias, float* y, nint stride, bool add)
    {
        nint last = rows - 1;
        float* x0 = x;
        float* x1 = x + (nint.Min(1, last) * depth);
        float* x2 = x + (nint.Min(2, last) * depth);
        float* x3 = x + (nint.Min(3, last) * depth);
        float* x4 = x + (nint.Min(4, last) * depth);
        float* x5 = x + (nint.Min(5, last) * depth);

        TVector left0 = TOperations.Load(bias), right0 = TOperations.Load(bias + TOperations.Count);
        TVector left1 = left0, left2 = left0, left3 = left0, left4 = left0, left5 = left0;
        TVector right1 = right0, right2 = right0, right3 = right0, right4 = right0, right5 = right0;
        for (nint k = 0; k < depth; k++)
        {
            TVector left = TOperations.Load(panel), right = TOperations.Load(panel + TOperations.Count);
            panel += 2 * TOperations.Count;
            TVector scalar = TOperations.Broadcast(x0[k]);
            left0 = TOperations.MultiplyAdd(scalar, left, left0);
            right0 = TOperations.MultiplyAdd(scalar, right, right0);
            scalar = TOperations.Broadcast(x1[k]);
            left1 = TOperations.MultiplyAdd(scalar, left, left1);
            right1 = TOperations.MultiplyAdd(scalar, right, right1);
            scalar = TOperations.Broadcast(x2[k]);
            left2 = TOperations.MultiplyAdd(scalar, left, left2);
            right2 = TOperations.MultiplyAdd(scalar, right, right2);
            scalar = TOperations.Broadcast(x3[k]);
            left3 = TOperations.MultiplyAdd(scalar, left, left3);
            right3 = TOperations.MultiplyAdd(scalar, right, right3);
            scalar = TOperations.Broadcast(x4[k]);
            left4 = TOperations.MultiplyAdd(scalar, left, left4);
            right4 = TOperations.MultiplyAdd(scalar, right, right4);
            scalar = TOperations.Broadcast(x5[k]);
            left5 = TOperations.MultiplyAdd(scalar, left, left5);
            right5 = TOperations.MultiplyAdd(scalar, right, right5);
        }

        Store(left0, right0, y, add);
        if (rows > 1)
        {
            Store(left1, right1, y + stride, add);
        }

        if (rows > 2)
        {
            Store(left2, right2, y + (2 * stride), add);
        }

        if (rows > 3)
        {
            Store(left3, right3, y + (3 * stride), add);
        }

        if (rows > 4)
        {
            Store(left4, right4, y + (4 * stride), add);
        }

        if (rows > 5)
        {
            Store(left5, right5, y + (5 * stride), add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector left, TVector right, float* y, bool add)
    {
        if (add)
        {
            left = TOperations.Add(left, TOperations.Load(y));
            right = TOperations.Add(right, TOperations.Load(y + TOperations.Count));
        }

        TOperations.Store(left, y);
        TOperations.Store(right, y + TOperations.Count);
    }
}
