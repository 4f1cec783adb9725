// y = epilogue(x W^T + b) over whole matrices: cuts the output into pieces of (row block, panel) and hands them to threads. Within a piece the panel (at
// most 24 KiB at depth 192, 96 KiB at 768) is reused by every row tile. No blocking over the depth: at these depths a panel streams from the second-level cache
// at a sixth of its bandwidth, and whole sums stay in registers.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Models.Layers;

namespace BinaryAttention.Models.LinearAlgebra;

internal static unsafe class MatrixProduct
{
    // A row block and a depth-768 panel fit the second-level cache together; both are whole numbers of tiles.
    private const int RowBlock = 198;
    private const int SmallestRowBlock = 24;

    /// <summary>Computes the product.</summary>
    /// <param name="x">Inputs <c>[rows, weights.Inputs]</c>, row-major.</param>
    /// <param name="weights">Packed weights and bias.</param>
    /// <param name="y">Outputs <c>[rows, weights.Outputs]</c>, row-major; must not overlap the inputs.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="epilogue">What else happens to the sums.</param>
    /// <param name="threads">Most threads, at least 1.</param>
    /// <param name="cancellationToken">Checked before the work starts.</param>
    public static void Multiply(ReadOnlySpan<float> x, PackedMatrix weights, Span<float> y, int rows, MatrixEpilogue epilogue, int threads, CancellationToken cancellationToken)
    {
        if (x.Length < (long)rows * weights.Inputs)
        {
            throw new ArgumentException($"x has {x.Length} values; {rows} rows of {weights.Inputs} inputs need {(long)rows * weights.Inputs}.", nameof(x));
        }

        if (y.Length < (long)rows * weights.Outputs)
        {
            throw new ArgumentException($"y has {y.Length} values; {rows} rows of {weights.Outputs} outputs need {(long)rows * weights.Outputs}.", nameof(y));
        }

        // Fewer rows a block where there would be too few pieces for the threads.
        int rowBlock = RowBlock;
        while (threads > 1 && rowBlock > SmallestRowBlock && (long)weights.PanelCount * ((rows + rowBlock - 1) / rowBlock) < 3L * threads)
        {
            rowBlock = Math.Max(SmallestRowBlock, rowBlock / 2 / MatrixTile<Vector128<float>, Operations128>.Rows * MatrixTile<Vector128<float>, Operations128>.Rows);
        }

        // SAFETY: the pinned pointers outlive the work, which Run waits for; the lengths were checked above and the packed matrix has whole panels.
        fixed (float* input = x, output = y, panels = weights.Panels, bias = weights.Bias)
        {
            var work = new Work(input, panels, bias, output, rows, weights.Inputs, weights.Outputs, rowBlock, weights.PanelCount, epilogue);
            switch (weights.Lanes)
            {
                case 16: Run<Vector512<float>, Operations512>(work, threads, cancellationToken); break;
                case 8: Run<Vector256<float>, Operations256>(work, threads, cancellationToken); break;
                case 4: Run<Vector128<float>, Operations128>(work, threads, cancellationToken); break;
                default: throw new ArgumentException($"weights is packed for {weights.Lanes} lanes; expected 4, 8 or 16.", nameof(weights));
            }
        }
    }

    private static void Run<TVector, TOperations>(Work work, int threads, CancellationToken cancellationToken)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        int pieces = work.PanelCount * ((work.Rows + work.RowBlock - 1) / work.RowBlock);
        WorkLoop.Run(pieces, threads, piece => Piece<TVector, TOperations>(work, piece), cancellationToken);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private static void Piece<TVector, TOperations>(Work work, int piece)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        const int tileRows = MatrixTile<TVector, TOperations>.Rows;
        int panelWidth = 2 * TOperations.Count;
        int panel = piece % work.PanelCount;
        int firstRow = piece / work.PanelCount * work.RowBlock;
        int endRow = Math.Min(work.Rows, firstRow + work.RowBlock);
        int firstColumn = panel * panelWidth;
        int columns = Math.Min(panelWidth, work.Outputs - firstColumn);
        float* weights = work.Panels + ((nint)firstColumn * work.Inputs);
        float* bias = work.Bias + firstColumn;
        bool add = work.Epilogue == MatrixEpilogue.Add;

        // The last panel may be narrower than the kernel writes: its tiles go through the stack.
        float* spill = stackalloc float[tileRows * panelWidth];
        for (int row = firstRow; row < endRow; row += tileRows)
        {
            int rows = Math.Min(tileRows, endRow - row);
            float* x = work.Input + ((nint)row * work.Inputs);
            float* y = work.Output + ((nint)row * work.Outputs) + firstColumn;
            bool whole = columns == panelWidth;
            float* tile = whole ? y : spill;
            nint stride = whole ? work.Outputs : panelWidth;
            MatrixTile<TVector, TOperations>.Multiply(x, work.Inputs, rows, weights, bias, tile, stride, add && whole);
            if (work.Epilogue == MatrixEpilogue.Gelu)
            {
                for (int r = 0; r < rows; r++)
                {
                    float* values = tile + (r * stride);
                    TOperations.Store(Gelu.Evaluate<TVector, TOperations>(TOperations.Load(values)), values);
                    TOperations.Store(Gelu.Evaluate<TVector, TOperations>(TOperations.Load(values + TOperations.Count)), values + TOperations.Count);
                }
            }
            else if (work.Epilogue == MatrixEpilogue.Relu)
            {
                for (int r = 0; r < rows; r++)
                {
                    Relu.Apply(new Span<float>(tile + (r * stride), panelWidth));
                }
            }

            if (!whole)
            {
                for (int r = 0; r < rows; r++)
                {
                    float* target = y + ((nint)r * work.Outputs);
                    for (int c = 0; c < columns; c++)
                    {
                        float value = spill[(r * panelWidth) + c];
                        target[c] = add ? value + target[c] : value;
                    }
                }
            }
        }
    }

    private sealed class Work(float* input, float* panels, float* bias, float* output, int rows, int inputs, int outputs, int rowBlock, int panelCount, MatrixEpilogue epilogue)
    {
        public float* Input { get; } = input;

        public float* Panels { get; } = panels;

        public float* Bias { get; } = bias;

        public float* Output { get; } = output;

        public int Rows { get; } = rows;

        public int Inputs { get; } = inputs;

        public int Outputs { get; } = outputs;

        public int RowBlock { get; } = rowBlock;

        public int PanelCount { get; } = panelCount;

        public MatrixEpilogue Epilogue { get; } = epilogue;
    }
}
