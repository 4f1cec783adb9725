namespace BinaryAttention;

/// <summary>The forms a logit bias comes in.</summary>
public enum AttentionBiasKind
{
    /// <summary>One number per key, <c>[batch|1, heads|1, keyLength]</c>.</summary>
    PerKey = 0,

    /// <summary>One number per pair, <c>[batch|1, heads|1, queryLength, keyLength]</c>.</summary>
    Dense = 1,

    /// <summary>A table over relative grid positions, <c>[rows, heads]</c>, gathered on the fly.</summary>
    RelativePosition = 2,

    /// <summary>A product of two thin factors.</summary>
    LowRank = 3,
}
