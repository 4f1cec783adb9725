// The inner kernel of the 8-bit product: 6 rows x 2 vectors of integer sums, in registers over the whole depth.
//
//   sums[r][v] = sum over words w of dot(x[r][w], panel[w][v])      exact: at most 255 * 127 * inputs, see EightBitMatrix.LargestInputs
//
// The same shape as the float tile: 12 accumulators, 2 panel vectors and 1 broadcast fit 16 registers.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Models.LinearAlgebra;

internal static unsafe class EightBitTile<TVector, TLanes>
    where TVector : struct
    where TLanes : struct, IDotLanes<TVector>
{
    public const int Rows = 6;

    /// <summary>Computes one tile.</summary>
    /// <param name="x">First row of activation words.</param>
    /// <param name="words">Words of a row; also the distance between rows.</param>
    /// <param name="rows">Rows of the tile that exist, 1 to 6; the others repeat the last one.</param>
    /// <param name="panel">Packed weights of two vectors' columns.</param>
    /// <param name="sums">Receives 6 rows of two vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(int* x, nint words, int rows, int* panel, int* sums)
    {
        nint last = rows - 1;
        int* x0 = x;
        int* x1 = x + (nint.Min(1, last) * words);
        int* x2 = x + (nint.Min(2, last) * words);
        int* x3 = x + (nint.Min(3, last) * words);
        int* x4 = x + (nint.Min(4, last) * words);
        int* x5 = x + (nint.Min(5, last) * words);

        TVector left0 = TLanes.Zero, left1 = left0, left2 = left0, left3 = left0, left4 = left0, left5 = left0;
        TVector right0 = left0, right1 = left0, right2 = left0, right3 = left0, right4 = left0, right5 = left0;
        for (nint w = 0; w < words; w++)
        {
            TVector left = TLanes.Load(panel), right = TLanes.Load(panel + TLanes.Count);
            panel += 2 * TLanes.Count;
            TVector word = TLanes.Broadcast(x0[w]);
            left0 = TLanes.MultiplyAdd(left0, word, left);
            right0 = TLanes.MultiplyAdd(right0, word, right);
            word = TLanes.Broadcast(x1[w]);
            left1 = TLanes.MultiplyAdd(left1, word, left);
            right1 = TLanes.MultiplyAdd(right1, word, right);
            word = TLanes.Broadcast(x2[w]);
            left2 = TLanes.MultiplyAdd(left2, word, left);
            right2 = TLanes.MultiplyAdd(right2, word, right);
            word = TLanes.Broadcast(x3[w]);
            left3 = TLanes.MultiplyAdd(left3, word, left);
            right3 = TLanes.MultiplyAdd(right3, word, right);
            word = TLanes.Broadcast(x4[w]);
            left4 = TLanes.MultiplyAdd(left4, word, left);
            right4 = TLanes.MultiplyAdd(right4, word, right);
            word = TLanes.Broadcast(x5[w]);
            left5 = TLanes.MultiplyAdd(left5, word, left);
            right5 = TLanes.MultiplyAdd(right5, word, right);
        }

        Store(left0, right0, sums);
        Store(left1, right1, sums + (2 * TLanes.Count));
        Store(left2, right2, sums + (4 * TLanes.Count));
        Store(left3, right3, sums + (6 * TLanes.Count));
        Store(left4, right4, sums + (8 * TLanes.Count));
        Store(left5, right5, sums + (10 * TLanes.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector left, TVector right, int* sums)
    {
        TLanes.Store(left, sums);
        TLanes.Store(right, sums + TLanes.Count);
    }
}
