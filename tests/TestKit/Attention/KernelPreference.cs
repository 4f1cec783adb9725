// Contract tests name a kernel for every case. Where that kernel says that it does not take the case, the case runs on the kernel that the registry would choose instead, as for every caller who
// names none; which cases a kernel must take is asserted apart (AssembledCoverageTests).
using BinaryAttention;
using BinaryAttention.Kernels;

namespace TestKit.Attention;

/// <summary>A kernel for a case.</summary>
public static class KernelPreference
{
    /// <summary>The named kernel where it takes the call, else null.</summary>
    public static string? NameOrBest(string? kernel, in AttentionShape shape, AttentionOptions options) =>
        kernel is null || Refusal(kernel, shape, options) is not null ? null : kernel;

    /// <summary>Why a kernel does not take a call, or null.</summary>
    public static string? Refusal(string kernel, in AttentionShape shape, AttentionOptions options)
    {
        AttentionShape filled = shape with { KeyHeadCount = shape.KeyHeadCount == 0 ? shape.HeadCount : shape.KeyHeadCount };
        AttentionSpecification specification = SpecificationBuilder.Build(filled, options);
        return KernelRegistry.Kernels.Single(candidate => candidate.Name == kernel).WhyNot(specification);
    }
}
