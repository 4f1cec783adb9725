using BinaryAttention.Kernels;

namespace BinaryAttention;

/// <summary>The kernels of this package, best first, and whether this machine can run them.</summary>
public static class AttentionKernels
{
    /// <summary>All kernels in the order in which they are tried.</summary>
    public static IReadOnlyList<KernelDescription> All { get; } = KernelRegistry.Describe(CpuFeatures.Current);

    /// <summary>The instruction sets that the runtime allows here, by name.</summary>
    public static IReadOnlyList<string> CpuFeatureNames => CpuFeatures.Current.Names;
}
