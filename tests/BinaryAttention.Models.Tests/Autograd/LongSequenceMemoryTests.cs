using System.Diagnostics;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Autograd.Operations;
using Xunit;

namespace BinaryAttention.Models.Tests.Autograd;

public sealed class LongSequenceMemoryTests(ITestOutputHelper output)
{
    // 4096 tokens, 6 heads of 64: a single map of all heads would take 403 MB.
    [Fact]
    public void OneLayer_Of4096Tokens_TrainsInUnder300Megabytes()
    {
        const int tokens = 4096, width = 384;
        Parameter project = GradientCheck.Random("qkv.weight", 1, 0.1f, 3 * width, width), merge = GradientCheck.Random("proj.weight", 2, 0.1f, width, width);
        float[] input = RandomValues.Uniform(3, tokens * width);
        var workspace = new Workspace();
        using var process = Process.GetCurrentProcess();
        long before = process.WorkingSet64;
        using (var tape = new Tape(workspace))
        {
            Variable x = tape.Leaf(input, "x", 1, tokens, width);
            tape.Backward(x.Linear(project).SelfAttention(6, new BinaryAttentionOptions()).Linear(merge).WeightedSum(input));
        }

        process.Refresh();
        long growth = process.PeakWorkingSet64 - before;
        output.WriteLine(FormattableString.Invariant($"values and gradients {workspace.Buffers.PeakBytes / 1e6:F0} MB, growth of the process at most {growth / 1e6:F0} MB"));
        Assert.Contains(project.Gradient.ToArray(), static value => value != 0);
        Assert.InRange(workspace.Buffers.PeakBytes, 1, 100_000_000);
        if (process.PeakWorkingSet64 > before)
        {
            // Other tests of the process may have reached more earlier; then this says nothing.
            Assert.InRange(growth, 0, 300_000_000);
        }
    }
}
