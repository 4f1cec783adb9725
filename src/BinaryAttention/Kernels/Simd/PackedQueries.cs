// Queries of all (batch, head) pairs as sign words and weights.
using BinaryAttention.Bits;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class PackedQueries : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly NativeBuffer _words;
    private readonly NativeBuffer _weights;
    private readonly bool[] _areFinite;
    private readonly int _wordsPerToken;

    public PackedQueries(AttentionSpecification specification)
    {
        _specification = specification;
        AttentionShape shape = specification.Shape;
        long tokens = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        _wordsPerToken = SignRow.Words(shape.HeadDimension);
        _words = new NativeBuffer(tokens * _wordsPerToken * sizeof(ulong));
        _weights = new NativeBuffer(tokens * sizeof(float));
        _areFinite = new bool[shape.BatchSize * shape.HeadCount];
    }

    /// <summary>Sign words of one query.</summary>
    public ulong* Words(int head, int query) => _words.As<ulong>() + ((((long)head * _specification.Shape.QueryLength) + query) * _wordsPerToken);

    public float Weight(int head, int query) => _weights.As<float>()[((long)head * _specification.Shape.QueryLength) + query];

    /// <summary>False if a query of the head holds a NaN or infinity.</summary>
    public bool AreFinite(int head) => _areFinite[head];

    public void Set(TokenView query, CancellationToken cancellationToken) =>
        TileLoop.Run(_areFinite.Length, _specification.Threads, head => SetHead(head, query), cancellationToken);

    public void Dispose()
    {
        _words.Dispose();
        _weights.Dispose();
    }

    private void SetHead(int head, TokenView query)
    {
        AttentionShape shape = _specification.Shape;
        float* tokens = query.Head(head / shape.HeadCount, head % shape.HeadCount);
        float* weights = _weights.As<float>() + ((long)head * shape.QueryLength);
        _areFinite[head] = HeadSigns.Pack(tokens, query.TokenStride, shape.QueryLength, shape.HeadDimension, _specification.Weighting.Rows, Words(head, 0), weights);
    }
}
