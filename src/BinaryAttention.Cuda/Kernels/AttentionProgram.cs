// The launches of one call, in order: pack queries, pack keys, reduce both, measure and pack values, numerator tables, attention.
namespace BinaryAttention.Cuda.Kernels;

internal sealed class AttentionProgram
{
    private AttentionProgram(long workspaceBytes, IReadOnlyList<AttentionStep> steps)
    {
        WorkspaceBytes = workspaceBytes;
        Steps = steps;
    }

    /// <summary>Bytes that the caller provides, aligned to 256.</summary>
    public long WorkspaceBytes { get; }

    /// <summary>The launches, in stream order.</summary>
    public IReadOnlyList<AttentionStep> Steps { get; }

    /// <summary>Emits a call's kernels.</summary>
    /// <param name="specification">The call.</param>
    /// <param name="computeCapability">80 for sm_80.</param>
    /// <exception cref="NotSupportedException">No kernel takes the call on such a device; the message says why.</exception>
    public static AttentionProgram For(CudaSpecification specification, int computeCapability)
    {
        if (specification.WhyNot(computeCapability) is { } reason)
        {
            throw new NotSupportedException(reason);
        }

        return new AttentionProgram(0, []);
    }
}
