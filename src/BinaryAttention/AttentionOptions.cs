namespace BinaryAttention;

/// <summary>
/// Options common to exact, 8-bit and one-bit attention. Immutable: share one instance between threads and calls.
/// The exact call refuses a <see cref="BinaryAttentionOptions"/> and an <see cref="EightBitAttentionOptions"/>, so that nobody gets exact attention in silence.
/// </summary>
public record AttentionOptions
{
    /// <summary>Multiplies the dot products; <c>1 / sqrt(headDimension)</c> if null. Any finite number.</summary>
    public float? LogitScale { get; init; }

    /// <summary>Which keys a query may see; all if null.</summary>
    public AttentionMask? Mask { get; init; }

    /// <summary>Added to the logits; none if null.</summary>
    public AttentionBias? Bias { get; init; }

    /// <summary>The order of heads and tokens in all four operands.</summary>
    public TensorLayout Layout { get; init; }

    /// <summary>
    /// Forces a kernel by its name in <see cref="AttentionKernels.All"/>; null lets the library choose the best one that can run, or the one that
    /// the environment variable <c>BINARYATTENTION_KERNEL</c> names. A forced kernel that cannot run is an error, never a silent fallback.
    /// </summary>
    public string? Kernel { get; init; }

    /// <summary>Most threads used by one call, at least 1; null means one per processor. The result has the same bits at any number.</summary>
    public int? MaxDegreeOfParallelism { get; init; }
}
