// Inputs that are not finite, zeros, rows without keys, logits beyond float32.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.EightBit;

public sealed class EightBitSpecialValueTests
{
    private static readonly AttentionCase Case = new() { Heads = 2, KeyHeads = 2, Queries = 7, Keys = 20, HeadDimension = 33, ValueDimension = 3 };

    public static TheoryData<string, ValueQuantization, float> Kinds()
    {
        var data = new TheoryData<string, ValueQuantization, float>();
        foreach (string kernel in (string[])["simd", "reference"])
        {
            foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            {
                data.Add(kernel, ValueQuantization.Tiled, bad);
                data.Add(kernel, ValueQuantization.Full, bad);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void NonFinite_QueryOrKey_SpoilsItsHead(string kernel, ValueQuantization quantization, float bad)
    {
        AttentionCase c = Case with { Quantization = quantization };
        for (int side = 0; side < 2; side++)
        {
            Operands operands = c.MakeOperands();
            (side == 0 ? operands.Query : operands.Key)[17] = bad;
            AttentionResult result = EightBitCases.Run(c, operands, kernel);
            Assert.All(result.Output[..(7 * 3)], static x => Assert.True(float.IsNaN(x)));
            Assert.All(result.LogSumExp[..7], static x => Assert.True(float.IsNaN(x)));
            Assert.All(result.Output[(7 * 3)..], static x => Assert.True(float.IsFinite(x)));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void NonFinite_Value_SpoilsItsChannel(string kernel, ValueQuantization quantization, float bad)
    {
        AttentionCase c = Case with { Quantization = quantization };
        Operands operands = c.MakeOperands();
        operands.Value[(5 * 3) + 1] = bad;
        AttentionResult result = EightBitCases.Run(c, operands, kernel);
        for (int i = 0; i < result.Output.Length; i++)
        {
            Assert.Equal(i < 7 * 3 && i % 3 == 1, float.IsNaN(result.Output[i]));
        }
    }

    [Theory]
    [InlineData("simd")]
    [InlineData("reference")]
    public void EqualKeys_GiveUniformAttention(string kernel)
    {
        AttentionCase c = Case with { Quantization = ValueQuantization.Full };
        Operands operands = c.MakeOperands();
        float[] equal = [.. Enumerable.Range(0, operands.Key.Length).Select(i => operands.Key[i % 33])];
        float[] zero = new float[operands.Query.Length];
        foreach (Operands uniform in (Operands[])[operands with { Key = equal }, operands with { Query = zero }])
        {
            AttentionResult result = EightBitCases.Run(c, uniform, kernel);
            for (int channel = 0; channel < 3; channel++)
            {
                double mean = Enumerable.Range(0, 20).Average(key => (double)operands.Value[(key * 3) + channel]);
                Assert.Equal(mean, result.Output[channel], 1e-5);
            }
        }
    }

    [Theory]
    [InlineData("simd", ValueQuantization.Tiled)]
    [InlineData("simd", ValueQuantization.Full)]
    [InlineData("reference", ValueQuantization.Tiled)]
    public void LogitsBeyondFloat_GiveTheSoftmaxOfTheTrueLogits(string kernel, ValueQuantization quantization)
    {
        AttentionCase c = Case with { Quantization = quantization };
        Operands operands = c.MakeOperands();
        float[] query = [.. operands.Query.Select(static x => x * 1e25f)], key = [.. operands.Key.Select(static x => x * 1e25f)];
        AttentionResult result = EightBitCases.Run(c, operands with { Query = query, Key = key }, kernel);
        AttentionResult exact = CaseRunner.Exact(c, operands with { Query = [.. operands.Query.Select(static x => x * 1e4f)], Key = [.. operands.Key.Select(static x => x * 1e4f)] }, "reference");
        Assert.All(result.Output, static x => Assert.True(float.IsFinite(x)));
        double near = result.Output.Zip(exact.Output).Count(static pair => Math.Abs(pair.First - pair.Second) < 0.05) / (double)exact.Output.Length;
        Assert.True(near > 0.8, $"only {near:P0} of the rows pick the largest logit's value"); // the other rows have two keys that 8 bits do not tell apart
    }

    [Theory]
    [InlineData("simd")]
    [InlineData("reference")]
    public void MaskedRow_GivesZeros(string kernel)
    {
        AttentionCase c = Case with { Queries = 25, Mask = MaskParts.Causal };
        AttentionResult result = EightBitCases.Run(c, kernel);
        Assert.All(result.Output[..(5 * 3)], static x => Assert.Equal(0, x));
        Assert.All(result.LogSumExp[..5], static x => Assert.Equal(float.NegativeInfinity, x));
        Assert.All(result.LogSumExp[5..25], static x => Assert.True(float.IsFinite(x)));
    }
}
