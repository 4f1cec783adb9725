// The inner product kernel of weight gradients: 6 outputs x 2 vectors of inputs of dW += dY^T X, in registers over a block of rows.
//
//   accumulators[r][v] = sum over k of dy[k * stride + r] * panel[k][v]        one fused multiply-add per term, k ascending
//
// It differs from MatrixTile in where the scalars come from: six neighbours of one row of dY per step, so that dY is read where it lies. Each step touches one cache line of it, from the second-level
// cache, in the time of 12 multiply-adds.
using System.Runtime.CompilerServices;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Autograd;

internal static unsafe class GradientTile<TVector, TOperations>
    where TVector : struct
    where TOperations : struct, IVectorOperations<TVector>
{
    public const int Rows = 6;

    /// <summary>Adds one tile.</summary>
    /// <param name="dy">The first row of dY, at the tile's first output.</param>
    /// <param name="depth">Rows of dY and of the panel.</param>
    /// <param name="stride">Distance between rows of dY.</param>
    /// <param name="rows">Outputs of the tile that exist, 1 to 6; the missing ones are computed from the last and thrown away.</param>
    /// <param name="panel">Two vectors' columns of X for every row.</param>
    /// <param name="target">Two whole vectors of every output are added to.</param>
    /// <param name="targetStride">Distance between outputs.</param>
    // AggressiveOptimization: as in MatrixTile.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* dy, nint depth, nint stride, int rows, float* panel, float* target, nint targetStride)
    {
        nint last = rows - 1;
        nint at1 = nint.Min(1, last), at2 = nint.Min(2, last), at3 = nint.Min(3, last), at4 = nint.Min(4, last), at5 = nint.Min(5, last);
        TVector left0 = TOperations.Broadcast(0), right0 = left0;
        TVector left1 = left0, left2 = left0, left3 = left0, left4 = left0, left5 = left0;
        TVector right1 = left0, right2 = left0, right3 = left0, right4 = left0, right5 = left0;
        for (nint k = 0; k < depth; k++)
        {
            TVector left = TOperations.Load(panel), right = TOperations.Load(panel + TOperations.Count);
            panel += 2 * TOperations.Count;
            TVector scalar = TOperations.Broadcast(dy[0]);
            left0 = TOperations.MultiplyAdd(scalar, left, left0);
            right0 = TOperations.MultiplyAdd(scalar, right, right0);
            scalar = TOperations.Broadcast(dy[at1]);
            left1 = TOperations.MultiplyAdd(scalar, left, left1);
            right1 = TOperations.MultiplyAdd(scalar, right, right1);
            scalar = TOperations.Broadcast(dy[at2]);
            left2 = TOperations.MultiplyAdd(scalar, left, left2);
            right2 = TOperations.MultiplyAdd(scalar, right, right2);
            scalar = TOperations.Broadcast(dy[at3]);
            left3 = TOperations.MultiplyAdd(scalar, left, left3);
            right3 = TOperations.MultiplyAdd(scalar, right, right3);
            scalar = TOperations.Broadcast(dy[at4]);
            left4 = TOperations.MultiplyAdd(scalar, left, left4);
            right4 = TOperations.MultiplyAdd(scalar, right, right4);
            scalar = TOperations.Broadcast(dy[at5]);
            left5 = TOperations.MultiplyAdd(scalar, left, left5);
            right5 = TOperations.MultiplyAdd(scalar, right, right5);
            dy += stride;
        }

        Add(left0, right0, target);
        if (rows > 1)
        {
            Add(left1, right1, target + targetStride);
        }

        if (rows > 2)
        {
            Add(left2, right2, target + (2 * targetStride));
        }

        if (rows > 3)
        {
            Add(left3, right3, target + (3 * targetStride));
        }

        if (rows > 4)
        {
            Add(left4, right4, target + (4 * targetStride));
        }

        if (rows > 5)
        {
            Add(left5, right5, target + (5 * targetStride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(TVector left, TVector right, float* target)
    {
        TOperations.Store(TOperations.Add(left, TOperations.Load(target)), target);
        TOperations.Store(TOperations.Add(right, TOperations.Load(target + TOperations.Count)), target + TOperations.Count);
    }
}
