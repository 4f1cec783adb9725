// C (+)= A B for matrices that change with every call, so that packing them would cost more than it saves: B is read in place, row by row.
//
//   C[r, c] = (C[r, c] or 0) + sum over k of A[r, k] B[k, c]      one fused multiply-add per term, k ascending
//
// A is addressed by two strides, so A^T costs nothing. Rows of B and C are padded to whole panels of 32 floats (Pitch), whatever the vectors' width: no tails, and the
// same bits with every width. Tiles of 6 rows and 2 vectors as in MatrixTile. One thread: callers run many products side by side.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Calibration;

internal static unsafe class DenseProduct
{
    private const int TileRows = 6;
    private const int PanelFloats = 32;

    /// <summary>Columns rounded up to whole panels: the distance between rows of every right-hand side and result.</summary>
    public static int Pitch(int columns) => checked((columns + PanelFloats - 1) / PanelFloats * PanelFloats);

    /// <summary><c>C = A B</c>, or <c>C += A B</c>.</summary>
    /// <param name="a">Left-hand side; element (r, k) at <c>r * aRowStride + k * aDepthStride</c>.</param>
    /// <param name="aRowStride">Distance between its rows.</param>
    /// <param name="aDepthStride">Distance between its columns.</param>
    /// <param name="b">Right-hand side <c>[depth, pitch]</c>.</param>
    /// <param name="c">Result <c>[rows, pitch]</c>; must not overlap the others.</param>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="depth">Terms of each sum.</param>
    /// <param name="pitch">Padded columns, from <see cref="Pitch"/>.</param>
    /// <param name="add">Adds to what the result holds.</param>
    public static void Multiply(ReadOnlySpan<float> a, int aRowStride, int aDepthStride, ReadOnlySpan<float> b, Span<float> c, int rows, int depth, int pitch, bool add = false)
    {
        long needed = rows == 0 || depth == 0 ? 0 : ((rows - 1L) * aRowStride) + ((depth - 1L) * aDepthStride) + 1;
        if (pitch % PanelFloats != 0 || a.Length < needed || b.Length < (long)depth * pitch || c.Length < (long)rows * pitch)
        {
            throw new ArgumentException($"{rows} x {depth} times {depth} x {pitch} does not fit {a.Length}, {b.Length} and {c.Length} values.", nameof(a));
        }

        // SAFETY: the lengths were checked above; pitch is a whole number of panels of every width.
        fixed (float* left = a, right = b, result = c)
        {
            if (Vector512.IsHardwareAccelerated)
            {
                Run<Vector512<float>, Operations512>(left, aRowStride, aDepthStride, right, result, rows, depth, pitch, add);
            }
            else if (Vector256.IsHardwareAccelerated)
            {
                Run<Vector256<float>, Operations256>(left, aRowStride, aDepthStride, right, result, rows, depth, pitch, add);
            }
            else
            {
                Run<Vector128<float>, Operations128>(left, aRowStride, aDepthStride, right, result, rows, depth, pitch, add);
            }
        }
    }

    /// <summary>Writes the transpose <c>[columns, pitch]</c> of <c>[rows, columns]</c>; padding is set to 0.</summary>
    public static void Transpose(ReadOnlySpan<float> source, int sourceStride, Span<float> target, int rows, int columns, int pitch)
    {
        for (int column = 0; column < columns; column++)
        {
            Span<float> line = target.Slice(column * pitch, pitch);
            for (int row = 0; row < rows; row++)
            {
                line[row] = source[(row * sourceStride) + column];
            }

            line[rows..].Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TVector, TOperations>(float* a, nint aRowStride, nint aDepthStride, float* b, float* c, int rows, int depth, nint pitch, bool add)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        nint width = 2 * TOperations.Count;
        for (nint column = 0; column < pitch; column += width)
        {
            for (int row = 0; row < rows; row += TileRows)
            {
                Tile<TVector, TOperations>(a + (row * aRowStride), aRowStride, aDepthStride, b + column, c + (row * pitch) + column, Math.Min(TileRows, rows - row), depth, pitch, add);
            }
        }
    }

    // Rows that do not exist are computed from the last one and thrown away.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TVector, TOperations>(float* a, nint aRowStride, nint aDepthStride, float* b, float* c, int rows, int depth, nint pitch, bool add)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        nint last = rows - 1;
        float* c1 = c + (nint.Min(1, last) * pitch), c2 = c + (nint.Min(2, last) * pitch), c3 = c + (nint.Min(3, last) * pitch), c4 = c + (nint.Min(4, last) * pitch), c5 = c + (nint.Min(5, last) * pitch);
        float* a1 = a + (nint.Min(1, last) * aRowStride), a2 = a + (nint.Min(2, last) * aRowStride), a3 = a + (nint.Min(3, last) * aRowStride), a4 = a + (nint.Min(4, last) * aRowStride), a5 = a + (nint.Min(5, last) * aRowStride);
        nint half = TOperations.Count;
        TVector zero = TOperations.Broadcast(0);
        TVector left0 = add ? TOperations.Load(c) : zero, right0 = add ? TOperations.Load(c + half) : zero;
        TVector left1 = add ? TOperations.Load(c1) : zero, right1 = add ? TOperations.Load(c1 + half) : zero;
        TVector left2 = add ? TOperations.Load(c2) : zero, right2 = add ? TOperations.Load(c2 + half) : zero;
        TVector left3 = add ? TOperations.Load(c3) : zero, right3 = add ? TOperations.Load(c3 + half) : zero;
        TVector left4 = add ? TOperations.Load(c4) : zero, right4 = add ? TOperations.Load(c4 + half) : zero;
        TVector left5 = add ? TOperations.Load(c5) : zero, right5 = add ? TOperations.Load(c5 + half) : zero;
        for (nint k = 0, offset = 0; k < depth; k++, offset += aDepthStride)
        {
            TVector left = TOperations.Load(b), right = TOperations.Load(b + half);
            b += pitch;
            TVector scalar = TOperations.Broadcast(a[offset]);
            left0 = TOperations.MultiplyAdd(scalar, left, left0);
            right0 = TOperations.MultiplyAdd(scalar, right, right0);
            scalar = TOperations.Broadcast(a1[offset]);
            left1 = TOperations.MultiplyAdd(scalar, left, left1);
            right1 = TOperations.MultiplyAdd(scalar, right, right1);
            scalar = TOperations.Broadcast(a2[offset]);
            left2 = TOperations.MultiplyAdd(scalar, left, left2);
            right2 = TOperations.MultiplyAdd(scalar, right, right2);
            scalar = TOperations.Broadcast(a3[offset]);
            left3 = TOperations.MultiplyAdd(scalar, left, left3);
            right3 = TOperations.MultiplyAdd(scalar, right, right3);
            scalar = TOperations.Broadcast(a4[offset]);
            left4 = TOperations.MultiplyAdd(scalar, left, left4);
            right4 = TOperations.MultiplyAdd(scalar, right, right4);
            scalar = TOperations.Broadcast(a5[offset]);
            left5 = TOperations.MultiplyAdd(scalar, left, left5);
            right5 = TOperations.MultiplyAdd(scalar, right, right5);
        }

        // A row that does not exist holds and writes what the last one does.
        Store<TVector, TOperations>(left5, right5, c5);
        Store<TVector, TOperations>(left4, right4, c4);
        Store<TVector, TOperations>(left3, right3, c3);
        Store<TVector, TOperations>(left2, right2, c2);
        Store<TVector, TOperations>(left1, right1, c1);
        Store<TVector, TOperations>(left0, right0, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TVector, TOperations>(TVector left, TVector right, float* target)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        TOperations.Store(left, target);
        TOperations.Store(right, target + TOperations.Count);
    }
}
