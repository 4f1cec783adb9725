using BinaryAttention.Models.Metrics;
using Xunit;

namespace BinaryAttention.Models.Tests.Metrics;

public sealed class LogitDivergenceTests
{
    [Fact]
    public void Mean_FollowsItsDefinition()
    {
        // Softmax 3/4, 1/4 against 1/2, 1/2; then equal rows.
        float[] logits = [MathF.Log(3), 0, 5, 7], others = [0, 0, 105, 107];
        double expected = ((0.75 * Math.Log(1.5)) + (0.25 * Math.Log(0.5))) / 2;
        Assert.Equal(expected, LogitDivergence.Mean(logits, others, 2), 1e-7);
        Assert.Equal(0, LogitDivergence.Mean(logits, logits, 2));
    }

    [Fact]
    public void DistantLogits_DoNotUnderflow() => Assert.Equal(1000, LogitDivergence.Mean([500, -500], [-500, 500], 2), 1e-9);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.PositiveInfinity)]
    public void NaNAndInfinity_AreNotHidden(float value)
    {
        Assert.True(double.IsNaN(LogitDivergence.Mean([1, 2], [1, value], 2)));
        Assert.True(double.IsNaN(LogitDivergence.Mean([value, 2], [1, 2], 2)));
    }

    [Fact]
    public void Refuses_WhatDoesNotFit()
    {
        Assert.Throws<ArgumentException>(() => LogitDivergence.Mean([1, 2], [1], 2));
        Assert.Throws<ArgumentException>(() => LogitDivergence.Mean([1, 2, 3], [1, 2, 3], 2));
        Assert.Throws<ArgumentException>(() => LogitDivergence.Mean([], [], 2));
    }
}
