// Which keys the rows of a call may see, as kernels want it: a number of leading keys (padding and the causal rule), and within them words of 64 bits, one bit a key (allowed pairs
// and blocks). Reads the caller's memory in place.
namespace BinaryAttention.Kernels;

internal sealed unsafe class AllowedKeys : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly int _wordsPerRow;
    private readonly int _queryBlocks;
    private readonly bool _pairsPerHead;
    private readonly bool _blocksPerHead;
    private System.Buffers.MemoryHandle _pairs; // not readonly: Dispose changes them
    private System.Buffers.MemoryHandle _blocks;

    public AllowedKeys(AttentionSpecification specification)
    {
        _specification = specification;
        AttentionShape shape = specification.Shape;
        KeyMask mask = specification.Mask;
        AllowsAll = mask.IsEmpty;
        _wordsPerRow = Bits.KeyCodes.Blocks(shape.KeyLength);
        _queryBlocks = Bits.KeyCodes.Blocks(shape.QueryLength);
        _pairsPerHead = mask.Pairs.Length != (long)shape.QueryLength * _wordsPerRow;
        _blocksPerHead = mask.Blocks.Length != (long)_queryBlocks * _wordsPerRow;
        _pairs = mask.Pairs.Pin();
        _blocks = mask.Blocks.Pin();
    }

#pragma warning disable MA0055 // a plan that its owner forgot to dispose must not keep the caller's mask pinned for ever
    ~AllowedKeys()
    {
        _pairs.Dispose();
        _blocks.Dispose();
    }
#pragma warning restore MA0055

    /// <summary>Whether every row sees every key.</summary>
    public bool AllowsAll { get; }

    /// <summary>Whether leading keys of a row may be masked.</summary>
    public bool HasGaps => _specification.Mask.HasGaps;

    /// <summary>How many leading keys a row of a (batch, query head) pair may see.</summary>
    public int Leading(int head, int query) => AllowsAll ? _specification.Shape.KeyLength : _specification.LeadingKeys(head / _specification.Shape.HeadCount, query);

    /// <summary>Fills one bit per key, 64 keys a word, for the words that hold the row's leading keys; gives how many words that are.</summary>
    public int Words(int head, int query, ulong* words)
    {
        int keys = Leading(head, query);
        int count = Bits.KeyCodes.Blocks(keys);
        int itemHead = head % _specification.Shape.HeadCount;
        for (int word = 0; word < count; word++)
        {
            words[word] = ulong.MaxValue;
        }

        if (_pairs.Pointer is not null)
        {
            ulong* row = (ulong*)_pairs.Pointer + ((((_pairsPerHead ? (long)itemHead : 0) * _specification.Shape.QueryLength) + query) * _wordsPerRow);
            new ReadOnlySpan<ulong>(row, count).CopyTo(new Span<ulong>(words, count));
        }

        if (_blocks.Pointer is not null)
        {
            bool* row = (bool*)_blocks.Pointer + ((((_blocksPerHead ? (long)itemHead : 0) * _queryBlocks) + (query / KeyMask.BlockTokens)) * _wordsPerRow);
            for (int word = 0; word < count; word++)
            {
                words[word] = row[word] ? words[word] : 0;
            }
        }

        if (keys % KeyMask.BlockTokens != 0)
        {
            words[count - 1] &= (1UL << (keys % KeyMask.BlockTokens)) - 1;
        }

        return count;
    }

    public void Dispose()
    {
        _pairs.Dispose();
        _blocks.Dispose();
        GC.SuppressFinalize(this);
    }
}
