// The kernel whose inner loops are machine code made for the call's sizes at run time. What it does not take, the next kernel of the registry computes, and says why.
namespace BinaryAttention.Kernels.Assembled;

internal sealed class AssembledKernel : IAttentionKernel
{
    public string Name => "assembled-avx512";

    public string Description => "machine code made at run time (AVX-512 VNNI, VBMI, BITALG)";

    public string? WhyNot(CpuFeatures cpu) => CodeGeneration.WhyNot(cpu);

    public string? WhyNot(AttentionSpecification specification)
    {
        AttentionShape shape = specification.Shape;
        return specification.IsEightBit ? "8-bit attention is not assembled"
            : !specification.IsBinary ? "exact attention is not assembled"
            : specification.Quantization == ValueQuantization.Full ? "quantization Full is not assembled"
            : shape.HeadDimension > AssembledLimits.HeadDimension ? $"headDimension is {shape.HeadDimension}; distances are bytes, so at most {AssembledLimits.HeadDimension} is assembled"
            : shape.KeyLength > AssembledLimits.KeyLength ? $"keyLength is {shape.KeyLength}; a row's sum of numerators has 32 bits, so at most {AssembledLimits.KeyLength} keys are assembled"
            : null;
    }

    public KernelRun Create(AttentionSpecification specification) => new AssembledBinaryRun(specification);
}
