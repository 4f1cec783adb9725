// Run in children only: the switch of the runtime took effect, and kernels answer to it.
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using BinaryAttention.Tests.Contract;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Processes.Children;

public sealed class SwitchedOffTests
{
    /// <summary>Features that must not be on, separated by semicolons.</summary>
    public const string AbsentVariable = "BINARYATTENTION_TEST_ABSENT";

    /// <summary>What <see cref="ReferenceBits"/> gave in the parent.</summary>
    public const string ReferenceBitsVariable = "BINARYATTENTION_TEST_REFERENCE_BITS";

    [Fact]
    public void SwitchTookEffect()
    {
        string? absent = Environment.GetEnvironmentVariable(AbsentVariable);
        Assert.SkipWhen(absent is null, "run in a child process");
        Assert.Empty(AttentionKernels.CpuFeatureNames.Intersect(absent!.Split(';'), StringComparer.Ordinal));
    }

    // The oracle must not depend on instruction sets itself.
    [Fact]
    public void Reference_GivesTheParentsBits()
    {
        string? expected = Environment.GetEnvironmentVariable(ReferenceBitsVariable);
        Assert.SkipWhen(expected is null, "run in a child process");
        Assert.Equal(expected, ReferenceBits(ContractCases.TableMode));
    }

    /// <summary>A hash over the reference's results.</summary>
    public static string ReferenceBits(IEnumerable<AttentionCase> cases)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (AttentionCase attentionCase in cases)
        {
            AttentionResult result = CaseRunner.Binary(attentionCase, ContractCases.Reference);
            hash.AppendData(MemoryMarshal.AsBytes<float>(result.Output));
            hash.AppendData(MemoryMarshal.AsBytes<float>(result.LogSumExp));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    [Fact]
    public void WithoutVectors_SimdSaysWhyNot_AndForcingItThrows()
    {
        Assert.SkipWhen(AttentionKernels.CpuFeatureNames.Contains("Vector128", StringComparer.Ordinal), "128-bit vectors are on");
        KernelDescription simd = AttentionKernels.All.Single(kernel => kernel.Name == "simd");
        Assert.False(simd.IsUsable);
        Assert.Contains("128-bit vectors", simd.WhyNot, StringComparison.Ordinal);
        var shape = new AttentionShape(1, 1, 2, 3, 4, 1);
        NotSupportedException exception = Assert.Throws<NotSupportedException>(() => AttentionPlan.Create(shape, new BinaryAttentionOptions { Kernel = "simd" }));
        Assert.Contains("AttentionOptions.Kernel forces kernel \"simd\"", exception.Message, StringComparison.Ordinal);
        Assert.Contains(simd.WhyNot!, exception.Message, StringComparison.Ordinal);

        using AttentionPlan plan = AttentionPlan.Create(shape, new BinaryAttentionOptions());
        Assert.Equal("reference", plan.Kernel.Name);
        var destination = new float[2];
        Attention.BinaryScaledDotProduct(new float[8], new float[12], [1f, 2f, 6f], destination, shape);
        Assert.All(destination, value => Assert.Equal(3f, value, 1e-6f));
    }
}
