using BinaryAttention.Kernels;
using BinaryAttention.Tests.Contract;
using Xunit;

namespace BinaryAttention.Tests.Backward;

/// <summary>Kernels that compute gradients.</summary>
internal static class BackwardKernels
{
    /// <summary>Skips kernels that cannot run here or have no backward pass.</summary>
    public static void Require(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        IAttentionKernel found = KernelRegistry.Kernels.Single(candidate => candidate.Name == kernel);
        string? whyNot = found.WhyNotBackward(SpecificationBuilder.Build(new AttentionShape(1, 1, 1, 1, 1, 1) { KeyHeadCount = 1 }, new BinaryAttentionOptions(), isBinary: true));
        Assert.SkipUnless(whyNot is null, $"{kernel}: {whyNot}");
    }
}
