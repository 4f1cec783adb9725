// Queries of all (batch, head) pairs as unsigned levels and scales. Padded queries are left out.
using BinaryAttention.Quantization;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.EightBit;

internal sealed unsafe class EightBitQueries : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly TileLoop _loop;
    private readonly Action<int, int> _setHead;
    private readonly TokenLayout _layout;
    private readonly NativeBuffer _levels;
    private readonly NativeBuffer _scales;
    private readonly NativeBuffer _rows;
    private readonly bool[] _areFinite;
    private TokenView _query;

    public EightBitQueries(AttentionSpecification specification, TileLoop loop, in TokenLayout layout)
    {
        _specification = specification;
        _loop = loop;
        _setHead = SetHead;
        _layout = layout;
        AttentionShape shape = specification.Shape;
        long tokens = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        _levels = new NativeBuffer(tokens * layout.QueryBytes);
        _scales = new NativeBuffer(tokens * sizeof(float));
        _rows = new NativeBuffer((long)loop.Workers * layout.PaddedChannels);
        _areFinite = new bool[shape.BatchSize * shape.HeadCount];
    }

    public byte* Levels(int head, int query) => _levels.Pointer + ((((long)head * _specification.Shape.QueryLength) + query) * _layout.QueryBytes);

    public float* Scales(int head) => _scales.As<float>() + ((long)head * _specification.Shape.QueryLength);

    /// <summary>False if a valid query of the head holds a NaN or infinity.</summary>
    public bool AreFinite(int head) => _areFinite[head];

    /// <summary>A query's product with the mean key, in double, channels in ascending order: what the log-sum-exp lacks. The query's memory must still be there.</summary>
    public double Product(int head, int query, float* mean)
    {
        AttentionShape shape = _specification.Shape;
        float* token = _query.Token(head / shape.HeadCount, head % shape.HeadCount, query);
        double sum = 0;
        for (int channel = 0; channel < shape.HeadDimension; channel++)
        {
            sum += (double)token[channel] * mean[channel];
        }

        return sum;
    }

    public void Set(TokenView query, CancellationToken cancellationToken)
    {
        _query = query;
        _loop.Run(_areFinite.Length, _setHead, cancellationToken);
    }

    public void Dispose()
    {
        _levels.Dispose();
        _scales.Dispose();
        _rows.Dispose();
    }

    private void SetHead(int head, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int valid = _specification.ValidQueries(head / shape.HeadCount);
        sbyte* row = (sbyte*)_rows.Pointer + ((long)worker * _layout.PaddedChannels);
        float* scales = Scales(head);
        bool finite = true;
        for (int query = 0; query < valid && finite; query++)
        {
            scales[query] = TokenQuantizer.Quantize(_query.Token(head / shape.HeadCount, head % shape.HeadCount, query), null, shape.HeadDimension, row);
            finite = !float.IsNaN(scales[query]);
            Shift(row, Levels(head, query));
        }

        _areFinite[head] = finite;
    }

    private void Shift(sbyte* row, byte* levels)
    {
        // Adding 128 to a signed byte turns its highest bit over; the quantiser writes whole groups of eight.
        if (_layout.GroupChannels == 4)
        {
            for (int channel = 0; channel < _layout.PaddedChannels; channel += sizeof(ulong))
            {
                *(ulong*)(levels + channel) = *(ulong*)(row + channel) ^ 0x8080_8080_8080_8080UL;
            }
        }
        else
        {
            ushort* words = (ushort*)levels;
            for (int channel = 0; channel < _layout.PaddedChannels; channel++)
            {
                words[channel] = (ushort)(row[channel] + TokenLayout.Offset);
            }
        }
    }
}
