// The gradient of the weights of a linear layer, dW += dY^T X, with dY [rows, outputs], X [rows, inputs] and dW [outputs, inputs], and that of its bias, db += sum over rows of dY.
//
// Rows are the depth of this product. They are cut into blocks of 256, of which X is put into panels that stay in the first-level cache while all outputs pass:
//
//   panels, block b:  [panel][rows of b][panelWidth]
//
// A tile of dW gets its blocks one after the other, by one worker: bits depend on the fixed block size alone.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Autograd;

internal sealed unsafe class GradientProduct
{
    private const int BlockRows = 256;

    // Rows that are packed at a time: what bounds the memory. A multiple of the block.
    private const int ChunkRows = 8 * BlockRows;
    private const int GroupOutputs = 96;

    private readonly Tape _tape;
    private readonly float* _x, _dy;
    private readonly int _inputs, _outputs, _lanes = PackedMatrix.PreferredLanes;
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    private GradientProduct(Tape tape, float* x, float* dy, int inputs, int outputs, Parameter weight, Parameter? bias)
    {
        (_tape, _inputs, _outputs, _weight, _bias) = (tape, inputs, outputs, weight, bias);
        _x = x;
        _dy = dy;
    }

    private int PanelWidth => 2 * _lanes;

    private int Panels => (_inputs + PanelWidth - 1) / PanelWidth;

    /// <summary>Adds to the gradients of weight and bias, of those that are trainable.</summary>
    public static void Accumulate(Tape tape, float* x, float* dy, int rows, int inputs, int outputs, Parameter weight, Parameter? bias)
    {
        var product = new GradientProduct(tape, x, dy, inputs, outputs, weight, bias is { IsTrainable: true } ? bias : null);
        for (int first = 0; first < rows; first += ChunkRows)
        {
            product.Chunk(first, Math.Min(ChunkRows, rows - first));
        }
    }

    private void Chunk(int first, int count)
    {
        int blocks = (count + BlockRows - 1) / BlockRows;
        bool wantsWeight = _weight.IsTrainable;
        PooledBuffer panels = _tape.Rent(wantsWeight ? count * Panels * PanelWidth : 1), sums = _tape.Rent(blocks * _outputs);
        _tape.Loop.Tiles.Run(
            2 * blocks,
            (item, _) =>
            {
                int start = item / 2 * BlockRows, rows = Math.Min(BlockRows, count - start);
                if (item % 2 == 1)
                {
                    if (wantsWeight)
                    {
                        PackPanels(_x + ((nint)(first + start) * _inputs), rows, panels.Pointer + ((nint)start * Panels * PanelWidth));
                    }

                    return;
                }

                if (_bias is not null)
                {
                    SumRows(_dy + ((nint)(first + start) * _outputs), rows, sums.Span.Slice(item / 2 * _outputs, _outputs));
                }
            },
            CancellationToken.None);
        if (wantsWeight)
        {
            int groups = (_outputs + GroupOutputs - 1) / GroupOutputs;
            _tape.Loop.Tiles.Run(Panels * groups, (item, _) => Group(item / groups, item % groups * GroupOutputs, first, count, panels.Pointer), CancellationToken.None);
        }

        for (int block = 0; _bias is not null && block < blocks; block++)
        {
            TensorPrimitives.Add(_bias.Gradient, sums.Span.Slice(block * _outputs, _outputs), _bias.Gradient);
        }

        _tape.Return(panels);
        _tape.Return(sums);
    }

    private void Group(int panel, int firstOutput, int first, int count, float* panels)
    {
        switch (_lanes)
        {
            case 16: Group<Vector512<float>, Operations512>(panel, firstOutput, first, count, panels); break;
            case 8: Group<Vector256<float>, Operations256>(panel, firstOutput, first, count, panels); break;
            default: Group<Vector128<float>, Operations128>(panel, firstOutput, first, count, panels); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private void Group<TVector, TOperations>(int panel, int firstOutput, int first, int count, float* panels)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        const int tileRows = GradientTile<TVector, TOperations>.Rows;
        int width = 2 * TOperations.Count, firstColumn = panel * width, columns = Math.Min(width, _inputs - firstColumn), lastOutput = Math.Min(firstOutput + GroupOutputs, _outputs);
        float* spill = stackalloc float[tileRows * width];
        for (int start = 0; start < count; start += BlockRows)
        {
            int depth = Math.Min(BlockRows, count - start);
            float* panelData = panels + ((nint)start * Panels * width) + ((nint)panel * depth * width);
            for (int output = firstOutput; output < lastOutput; output += tileRows)
            {
                int rows = Math.Min(tileRows, lastOutput - output);
                float* dy = _dy + ((nint)(first + start) * _outputs) + output;
                float* target = _weight.GradientPointer + ((nint)output * _inputs) + firstColumn;
                if (columns == width)
                {
                    GradientTile<TVector, TOperations>.Add(dy, depth, _outputs, rows, panelData, target, _inputs);
                    continue;
                }

                // The last panel may be narrower than the kernel writes.
                new Span<float>(spill, tileRows * width).Clear();
                GradientTile<TVector, TOperations>.Add(dy, depth, _outputs, rows, panelData, spill, width);
                for (int row = 0; row < rows; row++)
                {
                    for (int column = 0; column < columns; column++)
                    {
                        target[((nint)row * _inputs) + column] += spill[(row * width) + column];
                    }
                }
            }
        }
    }

    private void PackPanels(float* x, int rows, float* panels)
    {
        int width = PanelWidth;
        for (int panel = 0; panel < Panels; panel++)
        {
            int columns = Math.Min(width, _inputs - (panel * width));
            for (int row = 0; row < rows; row++)
            {
                var target = new Span<float>(panels + ((((nint)panel * rows) + row) * width), width);
                new ReadOnlySpan<float>(x + ((nint)row * _inputs) + (panel * width), columns).CopyTo(target);
                target[columns..].Clear();
            }
        }
    }

    private void SumRows(float* dy, int rows, Span<float> sums)
    {
        sums.Clear();
        for (int row = 0; row < rows; row++)
        {
            TensorPrimitives.Add(sums, new ReadOnlySpan<float>(dy + ((nint)row * _outputs), _outputs), sums);
        }
    }
}
