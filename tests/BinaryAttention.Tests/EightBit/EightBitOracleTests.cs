// The reference against the formulas written once more, and 8-bit attention against what it stands for.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.EightBit;

public sealed class EightBitOracleTests
{
    public static TheoryData<int, int, int, ValueQuantization> Sizes()
    {
        var data = new TheoryData<int, int, int, ValueQuantization>();
        foreach ((int queries, int keys, int dimension) in ((int, int, int)[])[(1, 1, 1), (3, 37, 8), (5, 63, 64), (7, 64, 33), (2, 65, 127), (6, 197, 64)])
        {
            data.Add(queries, keys, dimension, ValueQuantization.Full);
            data.Add(queries, keys, dimension, ValueQuantization.Tiled);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Reference_IsTheFormula(int queries, int keys, int dimension, ValueQuantization quantization)
    {
        foreach (bool isCausal in (bool[])[false, true])
        {
            AttentionCase c = new() { Queries = queries, Keys = keys, HeadDimension = dimension, ValueDimension = 5, Quantization = quantization, Inputs = InputKind.Offset, Mask = isCausal ? MaskParts.Causal : MaskParts.None };
            Operands operands = c.MakeOperands();
            (double[][] output, double[] logSumExp) = new NaiveEightBit
            {
                Query = Tokens(operands.Query, dimension), Key = Tokens(operands.Key, dimension), Value = Tokens(operands.Value, 5),
                Scale = (float)(1 / Math.Sqrt(dimension)), IsTiled = quantization == ValueQuantization.Tiled, Allows = (i, j) => !isCausal || j <= i + keys - queries,
            }.Attend();
            AttentionResult actual = EightBitCases.Run(c, "reference");
            for (int i = 0; i < queries; i++)
            {
                Assert.Equal(logSumExp[i], actual.LogSumExp[i], 1e-6 * (1 + Math.Abs(logSumExp[i])));
                for (int channel = 0; channel < 5; channel++)
                {
                    Assert.Equal(output[i][channel], actual.Output[(i * 5) + channel], 2e-6);
                }
            }
        }
    }

    [Theory]
    [InlineData(ValueQuantization.Full, 0.011)]
    [InlineData(ValueQuantization.Tiled, 0.02)]
    public void Output_IsCloseToExactAttention(ValueQuantization quantization, double most)
    {
        AttentionCase c = new() { Heads = 2, KeyHeads = 2, Queries = 197, Keys = 197, Quantization = quantization };
        AttentionResult exact = CaseRunner.Exact(c, "reference");
        AttentionResult actual = EightBitCases.Run(c, null);
        AttentionResult oneBit = CaseRunner.Binary(c, null);
        double error = Distance(actual.Output, exact.Output);
        Assert.InRange(error, 0, most);
        Assert.True(error < Distance(oneBit.Output, exact.Output) / 20, $"8 bits err by {error}, one bit by {Distance(oneBit.Output, exact.Output)}");
        for (int row = 0; row < exact.LogSumExp.Length; row++)
        {
            Assert.Equal(exact.LogSumExp[row], actual.LogSumExp[row], 0.02);
        }
    }

    [Fact]
    public void WhatAllKeysShare_CostsNoPrecision()
    {
        // An offset a hundred times as large as what tells the keys apart would leave 8 bits nothing without centring.
        AttentionCase c = new() { Queries = 50, Keys = 100, Quantization = ValueQuantization.Full };
        Operands operands = c.MakeOperands();
        float[] shifted = [.. operands.Key.Select((x, i) => x + (100f * ((i % 64) - 31)))];
        AttentionResult plain = EightBitCases.Run(c, operands, null);
        AttentionResult moved = EightBitCases.Run(c, operands with { Key = shifted }, null);
        Assert.InRange(Distance(moved.Output, plain.Output), 0, 0.02);
        AttentionResult exact = CaseRunner.Exact(c, operands with { Key = shifted }, "reference");
        for (int row = 0; row < exact.LogSumExp.Length; row++)
        {
            Assert.Equal(exact.LogSumExp[row], moved.LogSumExp[row], 1e-4 * (1 + Math.Abs(exact.LogSumExp[row])));
        }
    }

    [Fact]
    public void PartsOverDisjointKeys_Merge()
    {
        AttentionCase c = new() { Queries = 20, Keys = 128, Quantization = ValueQuantization.Full, Inputs = InputKind.Offset };
        Operands operands = c.MakeOperands();
        AttentionCase half = c with { Keys = 64 };
        AttentionResult first = EightBitCases.Run(half, operands with { Key = operands.Key[..(64 * 64)], Value = operands.Value[..(64 * 64)] }, null);
        AttentionResult second = EightBitCases.Run(half, operands with { Key = operands.Key[(64 * 64)..], Value = operands.Value[(64 * 64)..] }, null);
        AttentionResult whole = CaseRunner.Exact(c, operands, "reference");
        PartialAttention.Merge(second.Output, second.LogSumExp, first.Output, first.LogSumExp, half.Shape, new EightBitAttentionOptions());
        Assert.InRange(Distance(first.Output, whole.Output), 0, 0.02);
    }

    private static double[][] Tokens(float[] values, int dimension) => [.. values.Select(static x => (double)x).Chunk(dimension)];

    private static double Distance(float[] actual, float[] expected) =>
        Math.Sqrt(actual.Zip(expected, static (a, b) => ((double)a - b) * ((double)a - b)).Sum() / expected.Sum(static x => (double)x * x));
}
