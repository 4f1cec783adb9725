namespace BinaryAttention.Kernels.Simd;

internal sealed class SimdKernel : IAttentionKernel
{
    public string Name => "simd";

    public string Description => "portable vectors, no code generation";

    public string? WhyNot(CpuFeatures cpu) => cpu.Vector128 ? null : "vectors are not hardware-accelerated here, or are switched off";

    public string? WhyNot(AttentionSpecification specification) => null;

    public KernelRun Create(AttentionSpecification specification) => throw new NotSupportedException("simd");
}
