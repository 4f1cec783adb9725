// The one ordered list of kernels, best first. Nothing else in the package names a kernel class.
using BinaryAttention.Kernels.Assembled;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Reference;

namespace BinaryAttention.Kernels;

internal static class KernelRegistry
{
    public static IReadOnlyList<IAttentionKernel> Kernels { get; } = [new AssembledKernel(), new SimdKernel(), new ReferenceKernel()];

    public static IReadOnlyList<KernelDescription> Describe(CpuFeatures cpu) =>
        [.. Kernels.Select(kernel =>
        {
            string? whyNot = kernel.WhyNot(cpu);
            return new KernelDescription(kernel.Name, kernel.Description, whyNot is null, whyNot);
        })];
}
