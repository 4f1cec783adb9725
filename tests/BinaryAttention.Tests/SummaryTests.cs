// Guards the suite itself: where the processor has vectors, something better than the reference must have been tested and must be what callers get.
using BinaryAttention.Kernels;
using BinaryAttention.Tests.Contract;
using Xunit;

namespace BinaryAttention.Tests;

public sealed class SummaryTests(ITestOutputHelper output)
{
    [Fact]
    public void SomethingBetterThanTheReferenceRuns_WhereThereAreVectors()
    {
        foreach (KernelDescription kernel in AttentionKernels.All)
        {
            output.WriteLine($"{kernel.Name}: {kernel.Description}; {kernel.WhyNot ?? "usable"}");
        }

        output.WriteLine($"processor: {string.Join(", ", AttentionKernels.CpuFeatureNames)}");
        Assert.Equal(ContractCases.Reference, AttentionKernels.All[^1].Name);
        Assert.True(AttentionKernels.All[^1].IsUsable);
        Assert.SkipUnless(System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated, "128-bit vectors are not hardware-accelerated");
        Assert.Contains(AttentionKernels.All, kernel => kernel.IsUsable && kernel.Name != ContractCases.Reference);
        Assert.Contains(ContractCases.Kernels, name => AttentionKernels.All.Single(kernel => kernel.Name == name).IsUsable);
        Assert.NotEmpty(ContractCases.TableMode);
        Assert.SkipWhen(Environment.GetEnvironmentVariable(KernelSelector.EnvironmentVariable) is { Length: > 0 }, "a kernel is forced");
        using AttentionPlan binary = AttentionPlan.Create(new AttentionShape(1, 1, 1, 1, 64, 64), new BinaryAttentionOptions());
        using AttentionPlan exact = AttentionPlan.Create(new AttentionShape(1, 1, 1, 1, 64, 64), new AttentionOptions());
        Assert.NotEqual(ContractCases.Reference, binary.Kernel.Name, StringComparer.Ordinal);
        Assert.NotEqual(ContractCases.Reference, exact.Kernel.Name, StringComparer.Ordinal);
    }
}
