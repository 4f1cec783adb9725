// y = epilogue(x W^T + b) with activations and weights in 8 bits: rows are quantised, integer tiles multiplied, and each tile turned into floats while it is in the first-level cache. The integers are
// exact, so every kernel gives the same bits; each row is computed on its own, so does every cut of the rows.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Kernels.Assembled.Products;
using BinaryAttention.Models.Layers;

namespace BinaryAttention.Models.LinearAlgebra;

internal static unsafe class EightBitProduct
{
    public const int TileRows = 6;

    /// <summary>Multiplies rows by all weights, on the calling thread.</summary>
    /// <param name="x"><c>[rows, weights.Inputs]</c>.</param>
    /// <param name="weights">The layer.</param>
    /// <param name="y"><c>[rows, weights.Outputs]</c>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="epilogue">What else happens to the sums.</param>
    /// <param name="scratch">Room for the quantised rows.</param>
    public static void Multiply(float* x, EightBitMatrix weights, float* y, int rows, MatrixEpilogue epilogue, EightBitRows scratch)
    {
        scratch.Quantize(x, rows, weights);

        // The narrowest integer kernel has panels of 8 columns.
        if (Vector512.IsHardwareAccelerated && weights.PanelColumns % Vector512<float>.Count == 0)
        {
            Panels<Vector512<float>, Operations512>(weights, y, rows, epilogue, scratch);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Panels<Vector256<float>, Operations256>(weights, y, rows, epilogue, scratch);
        }
        else
        {
            Panels<Vector128<float>, Operations128>(weights, y, rows, epilogue, scratch);
        }

        // Bare pointers into both were used to the end.
        GC.KeepAlive(weights);
        GC.KeepAlive(scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private static void Panels<TVector, TOperations>(EightBitMatrix weights, float* y, int rows, MatrixEpilogue epilogue, EightBitRows scratch)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        int columns = weights.PanelColumns, words = weights.Words, outputs = weights.Outputs;
        int* sums = stackalloc int[TileRows * columns];
        float* spill = stackalloc float[TileRows * columns];
        for (int firstColumn = 0; firstColumn < outputs; firstColumn += columns)
        {
            int* panel = weights.Panels.Pointer + ((nint)firstColumn * words);
            int present = Math.Min(columns, outputs - firstColumn);
            for (int row = 0; row < rows; row += TileRows)
            {
                int count = Math.Min(TileRows, rows - row);
                Tile(weights.Kernel, scratch.Words + ((nint)row * words), words, count, panel, sums);
                float* target = y + ((nint)row * outputs) + firstColumn;
                if (present == columns)
                {
                    Finish<TVector, TOperations>(weights, firstColumn, sums, scratch, row, count, epilogue, target, outputs);
                    continue;
                }

                // The last panel is narrower than the vectors: its tiles go through the stack.
                Copy(target, outputs, spill, columns, count, present);
                Finish<TVector, TOperations>(weights, firstColumn, sums, scratch, row, count, epilogue, spill, columns);
                Copy(spill, columns, target, outputs, count, present);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile(EightBitKernel kernel, int* x, int words, int rows, int* panel, int* sums)
    {
        switch (kernel)
        {
            case EightBitKernel.Assembled512: ByteProduct.Multiply((byte*)x, (long)words * sizeof(int), (sbyte*)panel, sums); break;
            case EightBitKernel.Byte256: EightBitTile<Vector256<int>, ByteDots256>.Multiply(x, words, rows, panel, sums); break;
            case EightBitKernel.Short512: EightBitTile<Vector512<int>, ShortDots512>.Multiply(x, words, rows, panel, sums); break;
            case EightBitKernel.Short256: EightBitTile<Vector256<int>, ShortDots256>.Multiply(x, words, rows, panel, sums); break;
            default: EightBitTile<Vector128<int>, ShortDots128>.Multiply(x, words, rows, panel, sums); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish<TVector, TOperations>(EightBitMatrix weights, int firstColumn, int* sums, EightBitRows scratch, int firstRow, int rows, MatrixEpilogue epilogue, float* y, nint stride)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        int columns = weights.PanelColumns;
        for (int column = 0; column < columns; column += TOperations.Count)
        {
            TVector scale = TOperations.Load(weights.Scales.Pointer + firstColumn + column);
            TVector offset = TOperations.Load(weights.Offsets.Pointer + firstColumn + column);
            TVector bias = TOperations.Load(weights.Bias.Pointer + firstColumn + column);
            for (int row = 0; row < rows; row++)
            {
                TVector step = TOperations.Broadcast(scratch.Steps[firstRow + row]), low = TOperations.Broadcast(scratch.Lows[firstRow + row]);
                TVector sum = TOperations.LoadIntegers(sums + (row * columns) + column);
                TVector value = TOperations.MultiplyAdd(TOperations.Multiply(scale, step), sum, TOperations.MultiplyAdd(low, offset, bias));
                float* target = y + (row * stride) + column;
                value = epilogue switch
                {
                    MatrixEpilogue.Add => TOperations.Add(value, TOperations.Load(target)),
                    MatrixEpilogue.Gelu => Gelu.Evaluate<TVector, TOperations>(value),
                    MatrixEpilogue.Relu => Relu.Evaluate<TVector, TOperations>(value),
                    _ => value,
                };
                TOperations.Store(value, target);
            }
        }
    }

    private static void Copy(float* source, nint sourceStride, float* target, nint targetStride, int rows, int columns)
    {
        for (int row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(source + (row * sourceStride), columns).CopyTo(new Span<float>(target + (row * targetStride), columns));
        }
    }
}
