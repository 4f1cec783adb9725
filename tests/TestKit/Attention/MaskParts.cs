namespace TestKit.Attention;

/// <summary>The parts of a case's mask; they combine as <see cref="BinaryAttention.AttentionMask.And"/> combines them.</summary>
[Flags]
public enum MaskParts
{
    /// <summary>No mask.</summary>
    None = 0,

    /// <summary>Bottom-right aligned.</summary>
    Causal = 1,

    /// <summary>Query lengths per batch item, 0 and all among them; padded queries hold NaN.</summary>
    QueryLengths = 2,

    /// <summary>Key lengths per batch item, 0 and all among them; padded keys and values hold NaN.</summary>
    KeyLengths = 4,

    /// <summary>Bits per pair, shared by the heads.</summary>
    Pairs = 8,

    /// <summary>Bits per pair, one set for every head.</summary>
    PairsPerHead = 16,

    /// <summary>Blocks of 64 x 64 pairs, shared by the heads.</summary>
    Blocks = 32,

    /// <summary>Blocks of 64 x 64 pairs, one set for every head.</summary>
    BlocksPerHead = 64,
}
