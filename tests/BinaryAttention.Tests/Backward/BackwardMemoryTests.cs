// Workspace grows with the number of tokens, not with its square, and the number that the run states is what it takes.
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Backward;
using BinaryAttention.Threading;
using Xunit;

namespace BinaryAttention.Tests.Backward;

public sealed class BackwardMemoryTests
{
    [Fact]
    public void SixHeadsOf4096Tokens_StayBelow150Megabytes()
    {
        Assert.InRange(Bytes(6, 4096, isBinary: true, workers: 16), 1, 150_000_000);
        Assert.InRange(Bytes(6, 4096, isBinary: false, workers: 16), 1, 150_000_000);
    }

    [Fact]
    public void Workspace_GrowsLinearly()
    {
        foreach (bool isBinary in (bool[])[true, false])
        {
            long once = Bytes(6, 4096, isBinary, workers: 4);
            Assert.InRange(Bytes(6, 16_384, isBinary, workers: 4), 3.9 * once, 4.1 * once);
        }
    }

    // The call's managed garbage is small beside its workspace, whose size the run states.
    [Fact]
    public void ManagedAllocations_AreSmall()
    {
        BackwardCase c = new() { Queries = 500, Keys = 500, Heads = 2, KeyHeads = 2, HeadDimension = 64, ValueDimension = 64 };
        float[][] operands = BackwardRunner.Operands(c);
        var logSumExp = new float[1000];
        float[][] gradients = [new float[operands[0].Length], new float[operands[1].Length], new float[operands[2].Length]];
        BinaryAttentionOptions options = c.BinaryOptions("simd", threads: 1);
        Attention.BinaryScaledDotProduct(operands[0], operands[1], operands[2], new float[operands[3].Length], c.Shape, options, logSumExp);
        long allocated = 0;
        for (int run = 0; run < 2; run++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Attention.BinaryScaledDotProductBackward(operands[0], operands[1], operands[2], logSumExp, operands[3], gradients[0], gradients[1], gradients[2], c.Shape, options);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.InRange(allocated, 0, 20_000);
    }

    private static long Bytes(int heads, int tokens, bool isBinary, int workers)
    {
        var shape = new AttentionShape(1, heads, tokens, tokens, 64, 64) { KeyHeadCount = heads };
        AttentionOptions options = isBinary ? new BinaryAttentionOptions { MaxDegreeOfParallelism = workers } : new AttentionOptions { MaxDegreeOfParallelism = workers };
        AttentionSpecification specification = SpecificationBuilder.Build(shape, options, isBinary);
        using TileLoop loop = specification.CreateLoop();
        return BackwardComposition.WorkspaceBytes(specification, loop, CpuFeatures.Current);
    }
}
