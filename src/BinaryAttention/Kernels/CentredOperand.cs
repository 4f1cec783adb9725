// A dense copy of queries or keys with a centre taken off and a rotation applied, x' = R (x - centre): in double, channels in ascending order, rounded once.
using System.Numerics.Tensors;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels;

internal sealed unsafe class CentredOperand : IDisposable
{
    public const int TileTokens = 64;

    private readonly NativeBuffer _memory;
    private readonly ReadOnlyMemory<float> _centres;
    private readonly double[] _rotationColumns;
    private readonly double[][] _scratches;
    private readonly TileLoop _loop;
    private readonly Action<int, int> _moveTile;
    private readonly int _batch;
    private readonly int _heads;
    private readonly int _headsPerRotation;
    private readonly int _tokens;
    private readonly int _dimension;
    private readonly int _tiles;
    private TokenView _source;

    /// <summary>Takes the memory of one operand.</summary>
    /// <param name="loop">The threads to work on.</param>
    /// <param name="batch">Batch items.</param>
    /// <param name="heads">Heads of the operand.</param>
    /// <param name="headsPerRotation">Heads that share one rotation.</param>
    /// <param name="tokens">Tokens of the operand.</param>
    /// <param name="dimension">Channels.</param>
    /// <param name="centres">One centre per head, or empty.</param>
    /// <param name="rotationColumns">One rotation per key head, column after column, or empty.</param>
    public CentredOperand(TileLoop loop, int batch, int heads, int headsPerRotation, int tokens, int dimension, ReadOnlyMemory<float> centres, double[] rotationColumns)
    {
        (_loop, _batch, _heads, _headsPerRotation, _tokens, _dimension, _centres, _rotationColumns) = (loop, batch, heads, headsPerRotation, tokens, dimension, centres, rotationColumns);
        _memory = new NativeBuffer((long)batch * heads * tokens * dimension * sizeof(float));
        _scratches = [.. Enumerable.Range(0, loop.Workers).Select(_ => new double[dimension])];
        _moveTile = MoveTile;
        _tiles = Tiles(tokens);
    }

    public TokenView View => new(_memory.As<float>(), (nint)_dimension * _tokens * _heads, (nint)_dimension * _tokens, _dimension);

    public static int Tiles(int tokens) => (tokens + TileTokens - 1) / TileTokens;

    public void Set(TokenView source, CancellationToken cancellationToken)
    {
        _memory.Renew();
        _source = source;
        _loop.Run(checked(_batch * _heads * _tiles), _moveTile, cancellationToken);
    }

    /// <summary>Lets the copy go until the operand is set again.</summary>
    public void Release() => _memory.Release();

    public void Dispose() => _memory.Dispose();

    private void MoveTile(int item, int worker)
    {
        int batch = item / _tiles / _heads;
        int head = item / _tiles % _heads;
        int size = _dimension * _dimension;
        ReadOnlySpan<float> centre = _centres.IsEmpty ? default : _centres.Span.Slice(head * _dimension, _dimension);
        ReadOnlySpan<double> columns = _rotationColumns.Length == 0 ? default : _rotationColumns.AsSpan(head / _headsPerRotation * size, size);
        int first = item % _tiles * TileTokens;
        for (int token = first; token < Math.Min(first + TileTokens, _tokens); token++)
        {
            MoveToken(new ReadOnlySpan<float>(_source.Token(batch, head, token), _dimension), centre, columns, _scratches[worker], new Span<float>(View.Token(batch, head, token), _dimension));
        }
    }

    private static void MoveToken(ReadOnlySpan<float> token, ReadOnlySpan<float> centre, ReadOnlySpan<double> columns, Span<double> sums, Span<float> moved)
    {
        sums.Clear();
        for (int channel = 0; channel < token.Length; channel++)
        {
            double centred = (double)token[channel] - (centre.IsEmpty ? 0 : centre[channel]);
            if (columns.IsEmpty)
            {
                sums[channel] = centred;
            }
            else
            {
                TensorPrimitives.MultiplyAdd(columns.Slice(channel * token.Length, token.Length), centred, sums, sums);
            }
        }

        TensorPrimitives.ConvertTruncating<double, float>(sums, moved);
    }
}
