using BinaryAttention.Models.Metrics;
using Xunit;

namespace BinaryAttention.Models.Tests.Metrics;

public sealed class AccuracyTests
{
    private static readonly float[] Logits = [3, 2, 1, 0, -1, -2, 0, 0, 0, 0, 0, 1];

    [Fact]
    public void CountsTopLabels_LowerClassFirstAmongEqual()
    {
        Assert.Equal(0.5, Accuracy.Top1(Logits, 6, [0, 0]));
        Assert.Equal(1.0, Accuracy.Top5(Logits, 6, [4, 3]));
        Assert.Equal(0.0, Accuracy.Top5(Logits, 6, [5, 4]));
        Assert.Equal(2, Accuracy.CountTop(Logits, 6, [1, 0], 2));
        Assert.Equal(0, Accuracy.CountTop(Logits, 6, [2, 1], 2));
    }

    [Fact]
    public void Agreement_ComparesTopClasses()
    {
        Assert.Equal(1.0, Accuracy.Agreement(Logits, Logits, 6));
        Assert.Equal(0.5, Accuracy.Agreement(Logits, [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], 6));
        Assert.Equal(0.0, Accuracy.Agreement([float.NaN, float.NaN], [1, 0], 2));
        Assert.Equal(0.0, Accuracy.Agreement([0, 1], [float.NaN, float.NaN], 2));
        Assert.Equal(0.0, Accuracy.Agreement([float.NaN, float.NaN], [float.NaN, float.NaN], 2));
        Assert.Equal(0.5, Accuracy.Agreement([0, 1, 1, 0], [float.NaN, 1, float.NaN, 1], 2));
    }

    [Fact]
    public void Rejects_OddLengthsAndLabels()
    {
        Assert.Throws<ArgumentException>("logits", () => Accuracy.Top1(Logits, 5, [0, 0]));
        Assert.Throws<ArgumentException>("labels", () => Accuracy.Top1(Logits, 6, [0, 6]));
        Assert.Throws<ArgumentException>("otherLogits", () => Accuracy.Agreement(Logits, [1], 6));
    }
}
