namespace BinaryAttention.Cuda;

/// <summary>Device addresses of one call of a <see cref="CudaAttentionPlan"/>, all in the plan's device's memory.</summary>
public readonly record struct CudaOperands
{
    /// <summary>Queries.</summary>
    public CudaPointer Query { get; init; }

    /// <summary>Keys.</summary>
    public CudaPointer Key { get; init; }

    /// <summary>Values.</summary>
    public CudaPointer Value { get; init; }

    /// <summary>Receives the output; must not overlap an operand.</summary>
    public CudaPointer Destination { get; init; }

    /// <summary>Receives float32 <c>[batch, heads, queryLength]</c>; needed exactly when the plan was made with <see cref="CudaPlanOptions.WantsLogSumExp"/>.</summary>
    public CudaPointer LogSumExp { get; init; }

    /// <summary>int32 <c>[batch]</c> valid keys of each item, in place of those of the plan's mask; none to keep those. Only for plans whose mask has key lengths.</summary>
    public CudaPointer KeyLengths { get; init; }

    /// <summary>At least <see cref="CudaAttentionPlan.WorkspaceBytes"/> bytes, aligned to 256. Not for two calls at once.</summary>
    public CudaPointer Workspace { get; init; }
}
