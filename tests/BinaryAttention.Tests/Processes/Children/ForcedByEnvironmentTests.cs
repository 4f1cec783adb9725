// Run in children only: BINARYATTENTION_KERNEL is obeyed, and an option overrides it.
using Xunit;

namespace BinaryAttention.Tests.Processes.Children;

public sealed class ForcedByEnvironmentTests
{
    /// <summary>What the child expects: a kernel's name, or "refused".</summary>
    public const string ExpectedVariable = "BINARYATTENTION_TEST_EXPECTED_KERNEL";

    private static readonly AttentionShape Shape = new(1, 1, 2, 3, 4, 5);

    [Fact]
    public void Variable_IsObeyed()
    {
        string? expected = Environment.GetEnvironmentVariable(ExpectedVariable);
        Assert.SkipWhen(expected is null, "run in a child process");
        if (expected == "refused")
        {
            ArgumentException exception = Assert.Throws<ArgumentException>(() => AttentionPlan.Create(Shape, new BinaryAttentionOptions()));
            Assert.Contains("BINARYATTENTION_KERNEL names kernel \"none-such\", which does not exist", exception.Message, StringComparison.Ordinal);
            Assert.All(AttentionKernels.All, kernel => Assert.Contains($"\"{kernel.Name}\"", exception.Message, StringComparison.Ordinal));
        }
        else
        {
            using AttentionPlan plan = AttentionPlan.Create(Shape, new BinaryAttentionOptions());
            Assert.Equal(expected, plan.Kernel.Name);
        }

        string best = AttentionKernels.All.First(kernel => kernel.IsUsable).Name;
        using AttentionPlan forced = AttentionPlan.Create(Shape, new BinaryAttentionOptions { Kernel = best });
        Assert.Equal(best, forced.Kernel.Name);
    }
}
