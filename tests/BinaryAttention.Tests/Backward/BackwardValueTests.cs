// What must hold exactly: padding, masked rows, non-finite heads, learned weights, a log-sum-exp of no use, agreement of modes.
using BinaryAttention.Tests.Contract;
using Xunit;

namespace BinaryAttention.Tests.Backward;

public sealed class BackwardValueTests
{
    public static TheoryData<string> Kernels => ContractCases.OneRowPerKernel(ContractCases.AllKernels);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Padding_GetsZero_AndChangesNothing(string kernel)
    {
        BackwardKernels.Require(kernel);
        BackwardCase c = new() { Queries = 9, Keys = 12, HeadDimension = 40, Mask = "lengths" }; // 7 queries and 6 keys are valid
        BackwardResult expected = BackwardRunner.Run(c, kernel);
        BackwardResult actual = BackwardRunner.Run(c, kernel, change: static operands =>
        {
            operands[0].AsSpan(7 * 40).Fill(float.NaN);
            operands[1].AsSpan(6 * 40).Fill(float.PositiveInfinity);
            operands[2].AsSpan(6 * 8).Fill(float.NaN);
            operands[3].AsSpan(7 * 8).Fill(float.NaN);
        });
        foreach (((string name, float[] wanted), (_, float[] values)) in expected.All.Zip(actual.All))
        {
            Assert.True(wanted.AsSpan().SequenceEqual(values), name);
        }

        Assert.All(actual.Query[(7 * 40)..], static value => Assert.Equal(0f, value));
        Assert.All(actual.Key[(6 * 40)..], static value => Assert.Equal(0f, value));
        Assert.All(actual.Value[(6 * 8)..], static value => Assert.Equal(0f, value));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void MaskedRow_GetsAndGivesZero(string kernel)
    {
        BackwardKernels.Require(kernel);
        BackwardCase c = new() { Queries = 5, Keys = 70, Mask = "boolean" }; // row 1 sees nothing
        BackwardResult result = BackwardRunner.Run(c, kernel, change: static operands => operands[3].AsSpan(8, 8).Fill(1e30f));
        Assert.Contains(result.Query, static value => value != 0);
        Assert.True(result.Key.Concat(result.Value).All(static value => Math.Abs(value) < 1e6));

        // With one weight per head the row's own channels still share in the mean magnitude; without weights nothing is left.
        BackwardResult plain = BackwardRunner.Run(c with { Weighting = "none" }, kernel);
        Assert.All(plain.Query[16..32], static value => Assert.Equal(0f, value));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void NonFiniteHead_IsNaN_OthersAreNot(string kernel)
    {
        BackwardKernels.Require(kernel);
        BackwardCase c = new() { Heads = 4, KeyHeads = 2, Queries = 6, Keys = 7, Bias = "dense per head" };
        BackwardResult expected = BackwardRunner.Run(c, kernel);

        // An output gradient of query head 1, which reads key head 0.
        BackwardResult result = BackwardRunner.Run(c, kernel, change: static operands => operands[3][(6 * 8) + 5] = float.NaN);
        int head = 6 * 16;
        AssertNaN(result.Query[head..(2 * head)]);
        Assert.Equal(expected.Query[..head], result.Query[..head]);
        Assert.Equal(expected.Query[(2 * head)..], result.Query[(2 * head)..]);
        AssertNaN(result.Key[..(7 * 16)]);
        Assert.Equal(expected.Key[(7 * 16)..], result.Key[(7 * 16)..]);
        AssertNaN(result.Value[..(7 * 8)]);
        Assert.Equal(expected.Value[(7 * 8)..], result.Value[(7 * 8)..]);
        AssertNaN(result.Bias[42..84]);
        Assert.Equal(expected.Bias[84..], result.Bias[84..]);

        // A key: both query heads that read it.
        result = BackwardRunner.Run(c, kernel, change: static operands => operands[1][3] = float.NegativeInfinity);
        AssertNaN(result.Query[..(2 * head)]);
        AssertNaN(result.Bias[..84]);
        Assert.Equal(expected.Query[(2 * head)..], result.Query[(2 * head)..]);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void LearnedWeights_LeaveQueriesAndKeysWithoutGradient(string kernel)
    {
        BackwardKernels.Require(kernel);
        BackwardResult result = BackwardRunner.Run(new BackwardCase { Weighting = "learned", HeadDimension = 64 }, kernel);
        Assert.All(result.Query.Concat(result.Key), static value => Assert.Equal(0f, value));
        Assert.Contains(result.RowWeights, static value => value != 0);
        Assert.Contains(result.ColumnWeights, static value => value != 0);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Tiled_HasTheGradientOfFull(string kernel)
    {
        BackwardKernels.Require(kernel);
        BackwardCase c = new() { Queries = 70, Keys = 90, HeadDimension = 48 };
        BackwardResult full = BackwardRunner.Run(c, kernel);
        BackwardResult tiled = BackwardRunner.Run(c with { Quantization = ValueQuantization.Tiled }, kernel);
        foreach (((string name, float[] wanted), (_, float[] values)) in full.All.Zip(tiled.All))
        {
            double scale = wanted.Length == 0 ? 0 : wanted.Max(MathF.Abs);
            Assert.All(wanted.Zip(values), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= 1e-5 * scale, name));
        }
    }

    // The log-sum-exp only keeps exponentials in range: another one must not change the gradient.
    [Theory]
    [InlineData(true, 0f)]
    [InlineData(true, -500f)]
    [InlineData(true, 500f)]
    [InlineData(true, float.NaN)]
    [InlineData(true, float.NegativeInfinity)]
    [InlineData(false, 0f)]
    [InlineData(false, -500f)]
    [InlineData(false, float.PositiveInfinity)]
    public void ForeignLogSumExp_IsHarmless(bool isBinary, float logSumExp)
    {
        BackwardCase c = new() { IsBinary = isBinary, Queries = 20, Keys = 100, LogitScale = 3f, Mask = "causal" };
        BackwardResult expected = BackwardRunner.Run(c, "simd");
        float[][] operands = BackwardRunner.Operands(c);
        var wrong = new float[20];
        Array.Fill(wrong, logSumExp);
        var (query, key, value) = (new float[operands[0].Length], new float[operands[1].Length], new float[operands[2].Length]);
        if (isBinary)
        {
            Attention.BinaryScaledDotProductBackward(operands[0], operands[1], operands[2], wrong, operands[3], query, key, value, c.Shape, c.BinaryOptions("simd"));
        }
        else
        {
            Attention.ScaledDotProductBackward(operands[0], operands[1], operands[2], wrong, operands[3], query, key, value, c.Shape, c.ExactOptions("simd"));
        }

        foreach ((float[] wanted, float[] actual) in new[] { (expected.Query, query), (expected.Key, key), (expected.Value, value) })
        {
            double scale = wanted.Max(MathF.Abs);
            Assert.All(wanted.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * scale));
        }
    }

    // Logits around 1e20: float32 products would be infinite minus infinite.
    [Theory]
    [MemberData(nameof(Kernels))]
    public void LogitsBeyondFloat_GiveFiniteGradients(string kernel)
    {
        BackwardKernels.Require(kernel);
        BackwardResult result = BackwardRunner.Run(new BackwardCase { Weighting = "learned", LogitScale = 3e38f, HeadDimension = 64 }, kernel);
        Assert.DoesNotContain(result.Value, float.IsNaN);
    }

    private static void AssertNaN(float[] values) => Assert.All(values, static value => Assert.True(float.IsNaN(value)));
}
