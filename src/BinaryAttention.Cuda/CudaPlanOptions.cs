namespace BinaryAttention.Cuda;

/// <summary>What a <see cref="CudaAttentionPlan"/> needs to know beyond shape and attention options.</summary>
public sealed record CudaPlanOptions
{
    /// <summary>Element type of queries, keys and values.</summary>
    public CudaElementType InputType { get; init; }

    /// <summary>Element type of the destination.</summary>
    public CudaElementType OutputType { get; init; }

    /// <summary>Whether every call also gives the row log-sum-exp.</summary>
    public bool WantsLogSumExp { get; init; }
}
