// The oracle as a kernel: any call, any machine.
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Backward;

namespace BinaryAttention.Reference;

internal sealed class ReferenceKernel : IAttentionKernel
{
    public string Name => "reference";

    public string Description => "double precision, nested loops, obviously right and slow";

    public string? WhyNot(CpuFeatures cpu) => null;

    public string? WhyNot(AttentionSpecification specification)
    {
        // Operands are copied into one array each.
        AttentionShape shape = specification.Shape;
        Int128 queries = (Int128)shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.HeadDimension;
        Int128 keys = (Int128)shape.BatchSize * shape.KeyHeadCount * shape.KeyLength * Math.Max(shape.HeadDimension, shape.ValueDimension);
        Int128 largest = Int128.Max(queries, keys);
        return largest > Array.MaxLength ? $"an operand has {largest} elements; the reference holds at most {Array.MaxLength}" : null;
    }

    public string? WhyNotBackward(AttentionSpecification specification)
    {
        // Gradients of all logits are kept, for tests to look at.
        AttentionShape shape = specification.Shape;
        Int128 pairs = (Int128)shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.KeyLength;
        return WhyNot(specification) ?? (pairs > Array.MaxLength ? $"the call has {pairs} pairs; the reference holds at most {Array.MaxLength}" : null);
    }

    public void Backward(AttentionSpecification specification, BackwardCall call, CancellationToken cancellationToken) => ReferenceBackwardCall.Run(specification, call, cancellationToken);

    public KernelRun Create(AttentionSpecification specification) => new ReferenceRun(specification);
}
