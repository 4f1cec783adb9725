// Run in a child process with the environment variable that turns code generation off.
using BinaryAttention.Kernels.Assembled;
using Xunit;

namespace BinaryAttention.Tests.Processes.Children;

public sealed class CodeGenerationOffTests
{
    [Fact]
    public void NoCodeIsGenerated()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(CodeGeneration.EnvironmentVariable) == "0", "run in a child process");
        KernelDescription kernel = AttentionKernels.All.Single(candidate => candidate.Name == "assembled-avx512");
        Assert.False(kernel.IsUsable);
        Assert.Contains("turns code generation off", kernel.WhyNot, StringComparison.Ordinal);
        using AttentionPlan plan = AttentionPlan.Create(new AttentionShape(1, 1, 2, 2, 64, 64), new BinaryAttentionOptions());
        Assert.NotEqual("assembled-avx512", plan.Kernel.Name, StringComparer.Ordinal);
    }
}
