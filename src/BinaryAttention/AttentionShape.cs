namespace BinaryAttention;

/// <summary>
/// The sizes of one attention call over plain spans: query <c>[batch, heads, queryLength, headDimension]</c>,
/// key <c>[batch, keyHeads, keyLength, headDimension]</c>, value <c>[batch, keyHeads, keyLength, valueDimension]</c>,
/// destination <c>[batch, heads, queryLength, valueDimension]</c>; the two middle dimensions swap under <see cref="TensorLayout.TokenHeadDimension"/>.
/// </summary>
/// <param name="BatchSize">Independent items, at least 1.</param>
/// <param name="HeadCount">Query heads, at least 1.</param>
/// <param name="QueryLength">Query tokens, at least 1.</param>
/// <param name="KeyLength">Key and value tokens, at least 1.</param>
/// <param name="HeadDimension">Channels of a query and of a key, at least 1.</param>
/// <param name="ValueDimension">Channels of a value and of an output row, at least 1.</param>
public readonly record struct AttentionShape(int BatchSize, int HeadCount, int QueryLength, int KeyLength, int HeadDimension, int ValueDimension)
{
    /// <summary>Key and value heads; 0 means <see cref="HeadCount"/>. Must divide it: query head h reads key head <c>h / (HeadCount / KeyHeadCount)</c>.</summary>
    public int KeyHeadCount { get; init; }

    /// <summary>Elements from one query token to the next; 0 means dense. Larger values read one third of a fused query-key-value projection in place.</summary>
    public int QueryTokenStride { get; init; }

    /// <summary>Elements from one key token to the next; 0 means dense.</summary>
    public int KeyTokenStride { get; init; }

    /// <summary>Elements from one value token to the next; 0 means dense.</summary>
    public int ValueTokenStride { get; init; }

    /// <summary>Elements from one destination token to the next; 0 means dense.</summary>
    public int DestinationTokenStride { get; init; }

    /// <summary><see cref="KeyHeadCount"/> with its default filled in.</summary>
    internal int EffectiveKeyHeadCount => KeyHeadCount == 0 ? HeadCount : KeyHeadCount;
}
