// The oracle as a kernel: any call, any machine.
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal sealed class ReferenceKernel : IAttentionKernel
{
    public string Name => "reference";

    public string Description => "double precision, nested loops, obviously right and slow";

    public string? WhyNot(CpuFeatures cpu) => null;

    public string? WhyNot(AttentionSpecification specification) => null;

    public KernelRun Create(AttentionSpecification specification) => new ReferenceRun(specification);
}
