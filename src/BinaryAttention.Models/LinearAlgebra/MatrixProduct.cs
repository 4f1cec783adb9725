// y = epilogue(x W^T + b) in float32: for every panel of weights, every tile of rows. Callers pass blocks of rows that fit the second-level cache beside a panel (at most 24 KiB at depth 192, 96 KiB at
// 768), which then streams from there at a sixth of its bandwidth. No blocking over the depth: whole sums stay in registers, so a row's bits do not depend on the rows beside it.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Models.Layers;

namespace BinaryAttention.Models.LinearAlgebra;

internal static unsafe class MatrixProduct
{
    /// <summary>Multiplies rows by all weights, on the calling thread.</summary>
    /// <param name="x">Inputs <c>[rows, weights.Inputs]</c>, row-major.</param>
    /// <param name="weights">Packed weights and bias.</param>
    /// <param name="y">Outputs <c>[rows, weights.Outputs]</c>, row-major; must not overlap the inputs.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="epilogue">What else happens to the sums.</param>
    public static void Multiply(ReadOnlySpan<float> x, PackedMatrix weights, Span<float> y, int rows, MatrixEpilogue epilogue)
    {
        if (x.Length < (long)rows * weights.Inputs)
        {
            throw new ArgumentException($"x has {x.Length} values; {rows} rows of {weights.Inputs} inputs need {(long)rows * weights.Inputs}.", nameof(x));
        }

        if (y.Length < (long)rows * weights.Outputs)
        {
            throw new ArgumentException($"y has {y.Length} values; {rows} rows of {weights.Outputs} outputs need {(long)rows * weights.Outputs}.", nameof(y));
        }

        // SAFETY: the lengths were checked above.
        fixed (float* input = x, output = y)
        {
            Multiply(input, weights, output, rows, epilogue);
        }
    }

    /// <summary>The same without checks of lengths.</summary>
    public static void Multiply(float* x, PackedMatrix weights, float* y, int rows, MatrixEpilogue epilogue)
    {
        switch (weights.Lanes)
        {
            case 16: Panels<Vector512<float>, Operations512>(x, weights, y, rows, epilogue); break;
            case 8: Panels<Vector256<float>, Operations256>(x, weights, y, rows, epilogue); break;
            case 4: Panels<Vector128<float>, Operations128>(x, weights, y, rows, epilogue); break;
            default: throw new ArgumentException($"weights is packed for {weights.Lanes} lanes; expected 4, 8 or 16.", nameof(weights));
        }

        // Bare pointers into it were used to the end.
        GC.KeepAlive(weights);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private static void Panels<TVector, TOperations>(float* x, PackedMatrix weights, float* y, int rows, MatrixEpilogue epilogue)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        const int tileRows = MatrixTile<TVector, TOperations>.Rows;
        int panelWidth = 2 * TOperations.Count, inputs = weights.Inputs, outputs = weights.Outputs;
        bool add = epilogue == MatrixEpilogue.Add;
        float* spill = stackalloc float[tileRows * panelWidth];
        for (int firstColumn = 0; firstColumn < outputs; firstColumn += panelWidth)
        {
            // The last panel may be narrower than the kernel writes: its tiles go through the stack.
            int columns = Math.Min(panelWidth, outputs - firstColumn);
            bool whole = columns == panelWidth;
            nint stride = whole ? outputs : panelWidth;
            float* panel = weights.PanelData + ((nint)firstColumn * inputs);
            for (int row = 0; row < rows; row += tileRows)
            {
                int count = Math.Min(tileRows, rows - row);
                float* target = y + ((nint)row * outputs) + firstColumn;
                float* tile = whole ? target : spill;
                MatrixTile<TVector, TOperations>.Multiply(x + ((nint)row * inputs), inputs, count, panel, weights.BiasData + firstColumn, tile, stride, add && whole);
                Activate<TVector, TOperations>(tile, stride, count, epilogue);
                if (!whole)
                {
                    Spill(spill, panelWidth, target, outputs, count, columns, add);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Activate<TVector, TOperations>(float* tile, nint stride, int rows, MatrixEpilogue epilogue)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        if (epilogue is MatrixEpilogue.None or MatrixEpilogue.Add)
        {
            return;
        }

        for (int row = 0; row < rows; row++)
        {
            float* values = tile + (row * stride);
            if (epilogue == MatrixEpilogue.Gelu)
            {
                TOperations.Store(Gelu.Evaluate<TVector, TOperations>(TOperations.Load(values)), values);
                TOperations.Store(Gelu.Evaluate<TVector, TOperations>(TOperations.Load(values + TOperations.Count)), values + TOperations.Count);
            }
            else
            {
                TOperations.Store(Relu.Evaluate<TVector, TOperations>(TOperations.Load(values)), values);
                TOperations.Store(Relu.Evaluate<TVector, TOperations>(TOperations.Load(values + TOperations.Count)), values + TOperations.Count);
            }
        }
    }

    private static void Spill(float* spill, nint spillStride, float* y, nint stride, int rows, int columns, bool add)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                float value = spill[(row * spillStride) + column];
                float* target = y + (row * stride) + column;
                *target = add ? value + *target : value;
            }
        }
    }
}
