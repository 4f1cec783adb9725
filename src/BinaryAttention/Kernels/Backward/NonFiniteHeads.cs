// Which heads hold a NaN or infinity in a valid query, key, value or output gradient, and what becomes of them: NaN in all gradients of the head's valid tokens, of its key head, of its learned
// weights and of the bias it reads. Found from the operands alone, so that all kernels agree.
using System.Numerics.Tensors;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class NonFiniteHeads
{
    private readonly bool[] _query;
    private readonly bool[] _key;

    private NonFiniteHeads(int queryHeads, int keyHeads)
    {
        _query = new bool[queryHeads];
        _key = new bool[keyHeads];
    }

    public static NonFiniteHeads None { get; } = new(0, 0);

    public static NonFiniteHeads Find(AttentionSpecification specification, BackwardCall call, TileLoop loop, CancellationToken cancellationToken)
    {
        AttentionShape shape = specification.Shape;
        var heads = new NonFiniteHeads(shape.BatchSize * shape.HeadCount, shape.BatchSize * shape.KeyHeadCount);
        loop.Run(
            heads._key.Length,
            (keyHead, _) =>
            {
                int batch = keyHead / shape.KeyHeadCount;
                int head = keyHead % shape.KeyHeadCount;
                int keys = specification.ValidKeys(batch);
                heads._key[keyHead] = HasNonFinite(call.Key, batch, head, keys, shape.HeadDimension) || HasNonFinite(call.Value, batch, head, keys, shape.ValueDimension);
            },
            cancellationToken);
        loop.Run(
            heads._query.Length,
            (item, _) =>
            {
                int batch = item / shape.HeadCount;
                int head = item % shape.HeadCount;
                int queries = specification.ValidQueries(batch);
                heads._query[item] = heads._key[specification.KeyHead(item)]
                    || HasNonFinite(call.Query, batch, head, queries, shape.HeadDimension) || HasNonFinite(call.OutputGradient, batch, head, queries, shape.ValueDimension);
            },
            cancellationToken);
        for (int head = 0; head < heads._query.Length; head++)
        {
            // The key head's gradients sum over its query heads.
            heads._key[specification.KeyHead(head)] |= heads._query[head];
        }

        return heads;
    }

    /// <summary>Whether a (batch, query head) pair has no numbers to compute.</summary>
    public bool Contains(int head) => _query[head];

    /// <summary>Writes NaN into the gradients of these heads.</summary>
    public void Mark(AttentionSpecification specification, BackwardCall call)
    {
        AttentionShape shape = specification.Shape;
        for (int head = 0; head < _query.Length; head++)
        {
            if (_query[head])
            {
                int queries = specification.ValidQueries(head / shape.HeadCount);
                Fill(call.QueryGradient, head / shape.HeadCount, head % shape.HeadCount, queries, shape.HeadDimension);
                FillWeights(call.RowWeights, head, shape.QueryLength, queries);
                MarkBias(specification.Bias, call, head / shape.HeadCount, head % shape.HeadCount);
            }
        }

        for (int keyHead = 0; keyHead < _key.Length; keyHead++)
        {
            if (_key[keyHead])
            {
                int keys = specification.ValidKeys(keyHead / shape.KeyHeadCount);
                Fill(call.KeyGradient, keyHead / shape.KeyHeadCount, keyHead % shape.KeyHeadCount, keys, shape.HeadDimension);
                Fill(call.ValueGradient, keyHead / shape.KeyHeadCount, keyHead % shape.KeyHeadCount, keys, shape.ValueDimension);
                FillWeights(call.ColumnWeights, keyHead, shape.KeyLength, keys);
            }
        }
    }

    private static bool HasNonFinite(TokenView view, int batch, int head, int tokens, int dimension)
    {
        for (int token = 0; token < tokens; token++)
        {
            if (!float.IsFinite(TensorPrimitives.MaxMagnitude(new ReadOnlySpan<float>(view.Token(batch, head, token), dimension))))
            {
                return true;
            }
        }

        return false;
    }

    private static void Fill(TokenView view, int batch, int head, int tokens, int dimension)
    {
        for (int token = 0; token < tokens; token++)
        {
            new Span<float>(view.Token(batch, head, token), dimension).Fill(float.NaN);
        }
    }

    private static void FillWeights(float* weights, int head, int tokens, int valid)
    {
        if (weights is not null)
        {
            new Span<float>(weights + ((long)head * tokens), valid).Fill(float.NaN);
        }
    }

    private static void MarkBias(AttentionBias? bias, BackwardCall call, int batch, int head)
    {
        if (bias is null)
        {
            return;
        }

        int biasHead = bias.HeadCount == 1 ? 0 : head;
        if (bias.Kind == AttentionBiasKind.RelativePosition)
        {
            for (int i = biasHead; call.Bias is not null && i < bias.Values.Length; i += bias.HeadCount)
            {
                call.Bias[i] = float.NaN;
            }

            return;
        }

        int planes = bias.BatchSize * bias.HeadCount;
        int plane = ((bias.BatchSize == 1 ? 0 : batch) * bias.HeadCount) + biasHead;
        FillPlane(call.Bias, bias.Values.Length / planes, plane);
        FillPlane(call.BiasKeyFactors, bias.KeyFactors.Length / planes, plane);
    }

    private static void FillPlane(float* gradient, int length, int plane)
    {
        if (gradient is not null)
        {
            new Span<float>(gradient + ((long)plane * length), length).Fill(float.NaN);
        }
    }
}
