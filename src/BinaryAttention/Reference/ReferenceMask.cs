// Whether a pair is allowed: padding, the causal rule (key j <= i + keyLength - queryLength), allowed bits and allowed blocks, each as the operator page words it.
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal sealed class ReferenceMask(AttentionSpecification specification)
{
    private readonly KeyMask _mask = specification.Mask;
    private readonly AttentionShape _shape = specification.Shape;

    public bool Allows(int batch, int head, int query, int key)
    {
        bool isPadding = query >= specification.ValidQueries(batch) || key >= specification.ValidKeys(batch);
        bool isAhead = _mask.IsCausal && key > (long)query + _shape.KeyLength - _shape.QueryLength;
        return !isPadding && !isAhead && AllowsPair(head, query, key) && AllowsBlock(head, query, key);
    }

    private bool AllowsPair(int head, int query, int key)
    {
        if (_mask.Pairs.IsEmpty)
        {
            return true;
        }

        int words = (_shape.KeyLength + 63) / 64;
        int plane = _mask.Pairs.Length == _shape.QueryLength * words ? 0 : head;
        ulong word = _mask.Pairs.Span[(((plane * _shape.QueryLength) + query) * words) + (key / 64)];
        return ((word >> (key % 64)) & 1) != 0;
    }

    private bool AllowsBlock(int head, int query, int key)
    {
        if (_mask.Blocks.IsEmpty)
        {
            return true;
        }

        int queryBlocks = (_shape.QueryLength + 63) / 64;
        int keyBlocks = (_shape.KeyLength + 63) / 64;
        int plane = _mask.Blocks.Length == queryBlocks * keyBlocks ? 0 : head;
        return _mask.Blocks.Span[(((plane * queryBlocks) + (query / 64)) * keyBlocks) + (key / 64)];
    }
}
