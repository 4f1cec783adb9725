using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class ClassificationTests
{
    [Fact]
    public void TopK_OrdersByLogit_ThenByClass_WithProbabilities()
    {
        IReadOnlyList<ClassScore> scores = Classification.TopK([0, MathF.Log(3), 0, float.NegativeInfinity], 3);
        Assert.Equal([1, 0, 2], scores.Select(static score => score.ClassIndex));
        Assert.Equal(0.6, scores[0].Probability, 1e-6);
        Assert.Equal(0.2, scores[1].Probability, 1e-6);
        Assert.Equal(2, Classification.TopK([1, 2], 5).Count);
    }

    [Fact]
    public void TopK_RanksNaNLast_AndRefusesNothing()
    {
        Assert.Equal(1, Classification.TopK([float.NaN, -1], 2)[0].ClassIndex);
        Assert.Throws<ArgumentException>("logits", () => Classification.TopK([], 1));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => Classification.TopK([1], 0));
    }
}
