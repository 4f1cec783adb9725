// The portable kernel: no code generation, one algorithm compiled for the best vectors that the processor and the runtime's switches allow.
using BinaryAttention.Kernels.Backward;
using BinaryAttention.Kernels.EightBit;

namespace BinaryAttention.Kernels.Simd;

internal sealed class SimdKernel : IAttentionKernel
{
    public string Name => "simd";

    public string Description => $"portable vectors, no code generation ({SimdComposition.Describe(CpuFeatures.Current)})";

    public string? WhyNot(CpuFeatures cpu) => cpu.Vector128 ? null : "128-bit vectors are not hardware-accelerated here, or are switched off";

    public string? WhyNot(AttentionSpecification specification) => null;

    public KernelRun Create(AttentionSpecification specification) =>
        specification.IsEightBit ? EightBitComposition.Create(specification, CpuFeatures.Current) :
        specification.IsBinary ? SimdComposition.CreateBinary(specification, CpuFeatures.Current) : SimdComposition.CreateExact(specification, CpuFeatures.Current);

    public string? WhyNotBackward(AttentionSpecification specification) => null;

    public void Backward(AttentionSpecification specification, BackwardCall call, CancellationToken cancellationToken) =>
        BackwardComposition.Run(specification, call, CpuFeatures.Current, cancellationToken);
}
