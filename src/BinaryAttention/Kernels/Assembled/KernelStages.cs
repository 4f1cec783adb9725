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
}
