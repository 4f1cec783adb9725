namespace BinaryAttention.Kernels.Assembled;

/// <summary>The stages that a piece of generated code interleaves.</summary>
[Flags]
internal enum KernelStages
{
    None = 0,

    /// <summary>Hamming distances of the next tile's queries, and their minima.</summary>
    SignDot = 1,

    /// <summary>Distances to probabilities by table, and their sums.</summary>
    TableMap = 2,

    /// <summary>Probabilities times values.</summary>
    Values = 4,

    /// <summary>Pairs carry mask bits in the sign-dot stage.</summary>
    Mask = 8,

    /// <summary>Fixed-point logits of the next tile's pairs, and their maxima.</summary>
    Logits = 16,

    /// <summary>Fixed-point logits to probabilities, and the sums of the exponentials.</summary>
    Exponentials = 32,

    /// <summary>Logits are multiplied by a weight per key.</summary>
    KeyWeights = 64,

    /// <summary>A bias per key is added, the same for all rows.</summary>
    KeyBias = 128,

    /// <summary>A bias per pair is added.</summary>
    PairBias = 256,

    /// <summary>The sums start at 0 instead of being added to.</summary>
    FreshSums = 512,

    /// <summary>All stages of table mode and the epilogue, for all tiles of a work item in one call.</summary>
    WholeItem = 1024,

    /// <summary>The bias of the tile after the next one is fetched into the second-level cache while it is still in float and far away.</summary>
    Prefetch = 2048,
}
