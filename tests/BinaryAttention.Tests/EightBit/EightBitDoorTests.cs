// What the public door of 8-bit attention refuses, by name and reason; tensor spans; plans that allocate nothing.
using System.Numerics.Tensors;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.EightBit;

public sealed class EightBitDoorTests
{
    private static readonly AttentionShape Shape = new(1, 2, 3, 4, 8, 5);
    private static readonly float[] Query = new float[48], Key = new float[64], Value = new float[40], Destination = new float[30];

    [Fact]
    public void TrainingParity_IsRefused() =>
        Refused(new EightBitAttentionOptions { Quantization = ValueQuantization.TrainingParity }, "TrainingParity", "Tiled or Full");

    [Fact]
    public void UnknownQuantization_IsRefused() => Refused(new EightBitAttentionOptions { Quantization = (ValueQuantization)9 }, "Quantization is 9");

    [Fact]
    public void NonFiniteScale_IsRefused() => Refused(new EightBitAttentionOptions { LogitScale = float.NaN }, "LogitScale", "finite");

    [Fact]
    public void BiasOfAnotherShape_IsRefused() => Refused(new EightBitAttentionOptions { Bias = AttentionBias.PerKey(new float[5], 1, 1, 5) }, "keyLength 5");

    [Fact]
    public void ForcedKernelWithoutEightBit_IsRefused()
    {
        Exception refusal = Assert.ThrowsAny<Exception>(() => Attention.EightBitScaledDotProduct(Query, Key, Value, Destination, Shape, new EightBitAttentionOptions { Kernel = "assembled-avx512" }));
        Assert.Contains("assembled-avx512", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExactAttention_RefusesTheOptions()
    {
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => Attention.ScaledDotProduct(Query, Key, Value, Destination, Shape, new EightBitAttentionOptions()));
        Assert.Contains("EightBitScaledDotProduct", refusal.Message, StringComparison.Ordinal);
        refusal = Assert.Throws<ArgumentException>(() => Attention.ScaledDotProductBackward(Query, Key, Value, new float[6], Destination, new float[48], new float[64], new float[40], Shape, new EightBitAttentionOptions()));
        Assert.Contains("no gradients", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WrongLengths_AreRefused() =>
        Assert.Contains("key has 63", Assert.Throws<ArgumentException>(() => Attention.EightBitScaledDotProduct(Query, Key.AsSpan(1), Value, Destination, Shape)).Message, StringComparison.Ordinal);

    [Fact]
    public void Cancelled_BeforeAnyWork() =>
        Assert.Throws<OperationCanceledException>(() => Attention.EightBitScaledDotProduct(Query, Key, Value, Destination, Shape, cancellationToken: new CancellationToken(canceled: true)));

    [Fact]
    public void TensorSpans_GiveTheSameBits()
    {
        AttentionCase c = new() { Heads = 3, KeyHeads = 3, Queries = 9, Keys = 37, HeadDimension = 16, ValueDimension = 8 };
        Operands operands = c.MakeOperands();
        AttentionResult expected = EightBitCases.Run(c, operands, null);
        var output = new float[expected.Output.Length];
        Attention.EightBitScaledDotProduct(
            new ReadOnlyTensorSpan<float>(operands.Query, [1, 3, 9, 16]), new ReadOnlyTensorSpan<float>(operands.Key, [1, 3, 37, 16]), new ReadOnlyTensorSpan<float>(operands.Value, [1, 3, 37, 8]), new TensorSpan<float>(output, [1, 3, 9, 8]));
        Assert.Equal(expected.Output, output);
    }

    [Fact]
    public void Plan_AllocatesNothing()
    {
        Contract.ContractCases.RequireUsable("simd"); // the reference allocates
        AttentionCase c = new() { Heads = 2, KeyHeads = 2, Queries = 37, Keys = 65 };
        Operands operands = c.MakeOperands();
        using var plan = AttentionPlan.Create(c.Shape, EightBitCases.Options(c, threads: 1));
        var output = new float[2 * 37 * 64];
        long least = long.MaxValue;
        for (int round = 0; round < 30 && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            plan.SetKeyValue(operands.Key, operands.Value);
            plan.Run(operands.Query, output);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        Assert.True(plan.PackedByteCount > 0);
    }

    private static void Refused(EightBitAttentionOptions options, params ReadOnlySpan<string> parts)
    {
        ArgumentException direct = Assert.Throws<ArgumentException>(() => Attention.EightBitScaledDotProduct(Query, Key, Value, Destination, Shape, options));
        ArgumentException planned = Assert.Throws<ArgumentException>(() => AttentionPlan.Create(Shape, options).Dispose());
        foreach (string part in parts)
        {
            Assert.Contains(part, direct.Message, StringComparison.Ordinal);
            Assert.Contains(part, planned.Message, StringComparison.Ordinal);
        }
    }
}
