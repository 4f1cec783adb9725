using BinaryAttention.Models.Metrics;
using Xunit;

namespace BinaryAttention.Models.Tests.Metrics;

public sealed class AttentionMapTests
{
    private static readonly AttentionShape Shape = new(2, 2, 50, 70, 8, 1);
    private static readonly float[] Query = RandomValues.Uniform(1, 2 * 2 * 50 * 8, 3);
    private static readonly float[] Key = RandomValues.Uniform(2, 2 * 2 * 70 * 8, 3);

    public static TheoryData<bool> Kinds => [false, true];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void WholeMap_IsTheProbabilities(bool isBinary)
    {
        var plain = new PlainFidelity(Shape, Query, Key, []);
        double[,] expected = plain.Map(1, 0, isBinary);
        AttentionMap map = AttentionMap.Compute(Query, Key, Shape, Options(isBinary), 1, 0, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((50, 70, 1), (map.Rows, map.Columns, map.CellSide));
        Assert.All(Enumerable.Range(0, 50 * 70), i => Assert.Equal(expected[i / 70, i % 70], map.Values[i], 1e-5));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void LargeMap_IsAveragedOverCells(bool isBinary)
    {
        float[] whole = AttentionMap.Compute(Query, Key, Shape, Options(isBinary), 0, 1, cancellationToken: TestContext.Current.CancellationToken).Values;
        AttentionMap map = AttentionMap.Compute(Query, Key, Shape, Options(isBinary), 0, 1, 32, TestContext.Current.CancellationToken);
        Assert.Equal((17, 24, 3), (map.Rows, map.Columns, map.CellSide));
        for (int cell = 0; cell < map.Values.Length; cell++)
        {
            double[] pairs =
            [
                .. from row in Enumerable.Range(cell / 24 * 3, 3)
                   from column in Enumerable.Range(cell % 24 * 3, 3)
                   where row < 50 && column < 70
                   select (double)whole[(row * 70) + column],
            ];
            Assert.Equal(pairs.Average(), map.Values[cell], 1e-7);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void FirstRows_AreThoseOfEveryHead(bool isBinary)
    {
        float[] rows = AttentionMap.FirstRows(Query, Key, Shape, Options(isBinary), 2, TestContext.Current.CancellationToken);
        for (int head = 0; head < 4; head++)
        {
            float[] whole = AttentionMap.Compute(Query, Key, Shape, Options(isBinary), head / 2, head % 2, cancellationToken: TestContext.Current.CancellationToken).Values;
            Assert.Equal(whole[..(2 * 70)], rows[(head * 2 * 70)..((head + 1) * 2 * 70)]);
        }
    }

    [Fact]
    public void Refuses_WhatIsNotThere()
    {
        var options = new AttentionOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionMap.Compute(Query, Key, Shape, options, 2, 0, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionMap.Compute(Query, Key, Shape, options, 0, -1, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionMap.Compute(Query, Key, Shape, options, 0, 0, 0, TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionMap.FirstRows(Query, Key, Shape, options, 51, TestContext.Current.CancellationToken));
        Assert.ThrowsAny<ArgumentException>(() => AttentionMap.FirstRows(Query, Key, Shape with { KeyLength = 0 }, options, 1, TestContext.Current.CancellationToken));
    }

    private static AttentionOptions Options(bool isBinary) => isBinary ? new BinaryAttentionOptions() : new AttentionOptions();
}
