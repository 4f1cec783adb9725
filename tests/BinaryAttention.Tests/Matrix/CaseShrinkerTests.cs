using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Matrix;

public sealed class CaseShrinkerTests
{
    // A planted failure that needs four things at once.
    [Fact]
    public void FindsTheSmallestFailingCase()
    {
        Assert.SkipWhen(Contract.ContractCases.IsChild, "the same in every process");
        static bool Fails(AttentionCase c) => c.Keys >= 65 && c.Mask.HasFlag(MaskParts.Causal) && c.QueryPlanes == 2 && c.Heads > c.KeyHeads;
        int found = 0;
        foreach (AttentionCase failing in Enumerable.Range(0, 5_000).Select(RandomCases.Make).Where(Fails))
        {
            AttentionCase smallest = CaseShrinker.Shrink(failing with { IsExact = false }, Fails);
            Assert.Equal(new AttentionCase { Heads = 2, KeyHeads = 1, Keys = 65, HeadDimension = 1, ValueDimension = 1, Mask = MaskParts.Causal, QueryPlanes = 2 }, smallest);
            found++;
        }

        Assert.True(found > 50, $"only {found} planted failures");
    }

    [Fact]
    public void Code_NamesWhatDiffersFromTheDefaults()
    {
        var c = new AttentionCase { Keys = 7, Mask = MaskParts.Causal | MaskParts.Pairs, LogitScale = -0.5f, Weighting = WeightingForm.Learned, IsExact = true };
        Assert.Equal("new AttentionCase { IsExact = true, Keys = 7, Weighting = WeightingForm.Learned, Mask = MaskParts.Causal | MaskParts.Pairs, LogitScale = -0.5f }", c.ToCode());
        Assert.Equal("new AttentionCase {  }", new AttentionCase().ToCode());
    }
}
