// Queries of all (batch, head) pairs as sign words and weights, plane by plane. Padded queries are left out.
using BinaryAttention.Bits;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class PackedQueries : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly TileLoop _loop;
    private readonly Action<int, int> _setHead;
    private readonly NativeBuffer _words;
    private readonly NativeBuffer _weights;
    private readonly bool[] _areFinite;
    private readonly int _wordsPerToken;
    private readonly long _tokens;
    private TokenView _query;

    public PackedQueries(AttentionSpecification specification, TileLoop loop)
    {
        _specification = specification;
        _loop = loop;
        _setHead = SetHead;
        AttentionShape shape = specification.Shape;
        _tokens = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        _wordsPerToken = SignRow.Words(shape.HeadDimension);
        _words = new NativeBuffer(specification.QueryPlanes * _tokens * _wordsPerToken * sizeof(ulong));
        _weights = new NativeBuffer(specification.QueryPlanes * _tokens * sizeof(float));
        _areFinite = new bool[shape.BatchSize * shape.HeadCount];
    }

    /// <summary>Sign words of one query in one plane.</summary>
    public ulong* Words(int plane, int head, int query) => _words.As<ulong>() + ((Token(plane, head) + query) * _wordsPerToken);

    public float Weight(int plane, int head, int query) => Weights(plane, head)[query];

    /// <summary>False if a valid query of the head holds a NaN or infinity.</summary>
    public bool AreFinite(int head) => _areFinite[head];

    public void Set(TokenView query, CancellationToken cancellationToken)
    {
        _query = query;
        _loop.Run(_areFinite.Length, _setHead, cancellationToken);
    }

    public void Dispose()
    {
        _words.Dispose();
        _weights.Dispose();
    }

    private long Token(int plane, int head) => (plane * _tokens) + ((long)head * _specification.Shape.QueryLength);

    public float* Weights(int plane, int head) => _weights.As<float>() + Token(plane, head);

    private void SetHead(int head, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head / shape.HeadCount;
        int valid = _specification.ValidQueries(batch);
        float* tokens = _query.Head(batch, head % shape.HeadCount);
        SignSide side = _specification.QuerySide;
        _areFinite[head] = HeadSigns.Pack(tokens, _query.TokenStride, valid, shape.HeadDimension, side, (long)head * shape.QueryLength, Words(0, head, 0), Weights(0, head));
        if (side.Planes == 2)
        {
            HeadSigns.PackRest(tokens, _query.TokenStride, valid, shape.HeadDimension, side, Words(0, head, 0), Weights(0, head), Words(1, head, 0), Weights(1, head));
        }
    }
}
