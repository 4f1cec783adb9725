namespace BinaryAttention;

/// <summary>
/// Where a backward call writes the gradients of what the options hold: the bias and learned weights. An empty span means not wanted; what is given is overwritten.
/// Every gradient has the layout of the values it belongs to.
/// </summary>
public readonly ref struct AttentionOptionGradients
{
    /// <summary>
    /// Of <see cref="AttentionBias.Values"/>, summed over the batch items and heads that share the bias: per key, dense, a relative-position table, or the query factors of a low-rank bias.
    /// </summary>
    public Span<float> Bias { get; init; }

    /// <summary>Of <see cref="AttentionBias.KeyFactors"/> of a low-rank bias.</summary>
    public Span<float> BiasKeyFactors { get; init; }

    /// <summary>Of <see cref="SignWeighting.RowWeights"/>, <c>[batch, heads, queryLength]</c>.</summary>
    public Span<float> RowWeights { get; init; }

    /// <summary>Of <see cref="SignWeighting.ColumnWeights"/>, <c>[batch, keyHeads, keyLength]</c>.</summary>
    public Span<float> ColumnWeights { get; init; }
}
