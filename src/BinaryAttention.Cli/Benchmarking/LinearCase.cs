// One linear layer in one precision, over blocks of rows on some threads as a model runs it.
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.LinearAlgebra;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Benchmarking;

internal sealed unsafe class LinearCase
{
    private readonly Linear _layer;
    private readonly AlignedBuffer<float> _x;
    private readonly AlignedBuffer<float> _y;
    private readonly RowLoop _loop;
    private readonly RowScratch[] _scratches;
    private readonly int _rows;
    private readonly int _blockRows;
    private readonly Action<int, int, int> _block;

    public LinearCase(Linear layer, ReadOnlySpan<float> x, int rows, LinearPrecision precision, int threads)
    {
        (_layer, _rows, Precision) = (layer, rows, precision);
        layer.PrepareEightBit();
        _x = new AlignedBuffer<float>(x.Length);
        x.CopyTo(_x.Span);
        _y = new AlignedBuffer<float>(checked(rows * layer.Outputs));
        _blockRows = RowScratch.BlockRows(Math.Max(layer.Inputs, layer.Outputs));
        _loop = new RowLoop(threads);
        _scratches = [.. Enumerable.Range(0, threads).Select(_ => new RowScratch(0, 0, 0))];
        _block = (first, count, worker) =>
            _layer.Forward(_x.Pointer + ((nint)first * _layer.Inputs), _y.Pointer + ((nint)first * _layer.Outputs), count, MatrixEpilogue.None, Precision, _scratches[worker]);
    }

    public LinearPrecision Precision { get; }

    public ReadOnlySpan<float> Output => _y.Span;

    public void Run() => _loop.Run(_rows, _blockRows, _block, default);
}
