using BinaryAttention.Kernels;

namespace TestKit.Attention;

/// <summary>A kernel made from a function, so that a run made by hand can be calibrated like any other.</summary>
/// <param name="create">Makes the run.</param>
internal sealed class HandMadeKernel(Func<AttentionSpecification, KernelRun> create) : IAttentionKernel
{
    public string Name => "hand-made";

    public string Description => "for tests";

    public string? WhyNot(CpuFeatures cpu) => null;

    public string? WhyNot(AttentionSpecification specification) => null;

    public KernelRun Create(AttentionSpecification specification) => create(specification);
}
