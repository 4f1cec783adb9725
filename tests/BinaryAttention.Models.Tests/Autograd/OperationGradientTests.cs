using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Autograd.Operations;
using BinaryAttention.Models.Training.Losses;
using BinaryAttention.Models.Training.Networks;
using Xunit;

namespace BinaryAttention.Models.Tests.Autograd;

public sealed class OperationGradientTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(7, 5, 3)]
    [InlineData(65, 33, 34)]
    [InlineData(300, 64, 100)]
    [InlineData(2100, 3, 2)]
    public void Linear(int rows, int inputs, int outputs)
    {
        Parameter weight = GradientCheck.Random("fc.weight", 1, 0.5f, outputs, inputs), bias = GradientCheck.Random("fc.bias", 2, 0.5f, outputs);
        GradientCheck.Run(RandomValues.Uniform(3, rows * inputs), [rows, inputs], x => x.Linear(weight, bias), 3e-3, weight, bias);
        GradientCheck.Run(RandomValues.Uniform(3, rows * inputs), [rows, inputs], x => x.Linear(weight), 3e-3, weight);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(40, 17)]
    [InlineData(67, 64)]
    public void LayerNorm(int rows, int width)
    {
        Parameter weight = GradientCheck.Random("norm.weight", 4, 1, width), bias = GradientCheck.Random("norm.bias", 5, 1, width);
        GradientCheck.Run(RandomValues.Uniform(6, rows * width, 2), [rows, width], x => x.LayerNorm(weight, bias, 0.01f), 2e-2, weight, bias);
    }

    [Fact]
    public void Functions()
    {
        GradientCheck.Run(RandomValues.Uniform(7, 131, 4), [131], static x => x.Gelu(), 3e-3);
        GradientCheck.Run([.. RandomValues.Uniform(8, 131, 4).Select(static value => value + (0.1f * MathF.Sign(value)))], [131], static x => x.Relu(), 3e-3);
        GradientCheck.Run(RandomValues.Uniform(9, 30), [3, 10], static x => x.Scale(-2.5f), 3e-3);
        GradientCheck.Run(RandomValues.Uniform(10, 30), [3, 10], static x => x.Residual(x.Gelu(), [0, 1, 2]), 3e-3);
        GradientCheck.Run(RandomValues.Uniform(10, 30), [3, 10], static x => x.Add(x).Add(x.Gelu()), 3e-3);
    }

    [Fact]
    public void Tokens()
    {
        Parameter first = GradientCheck.Random("cls_token", 11, 1, 12), second = GradientCheck.Random("dist_token", 12, 1, 12), positions = GradientCheck.Random("pos_embed", 13, 1, 8, 12);
        GradientCheck.Run(RandomValues.Uniform(14, 2 * 3 * 4 * 6), [2, 3, 4, 6], x => x.Patches(2).Tokens([first, second], positions), 3e-3, first, second, positions);
        GradientCheck.Run(RandomValues.Uniform(15, 2 * 5 * 3), [2, 5, 3], static x => x.Token(3), 3e-3);
        GradientCheck.Run(RandomValues.Uniform(16, 2 * 5 * 3), [2, 5, 3], static x => x.MeanToken(1), 3e-3);
    }

    [Fact]
    public void ExactAttention_WithBiases()
    {
        Parameter table = GradientCheck.Random("table", 17, 1, (3 * 5) + 3, 2), dense = GradientCheck.Random("dense", 18, 1, 2, 7, 7);
        float[] x = RandomValues.Uniform(19, 2 * 7 * 3 * 2 * 5);
        GradientCheck.Run(x, [2, 7, 30], y => y.SelfAttention(2, new AttentionOptions(), LearnedBias.RelativePosition(table, 2, 3)), 5e-3, table);
        GradientCheck.Run(x, [2, 7, 30], y => y.SelfAttention(2, new AttentionOptions(), LearnedBias.Dense(dense)), 5e-3, dense);
    }

    [Fact]
    public void AttentionMaps()
    {
        Parameter table = GradientCheck.Random("table", 17, 1, (3 * 5) + 3, 2);
        var options = new AttentionOptions();
        GradientCheck.Run(RandomValues.Uniform(19, 2 * 7 * 30, 2), [2, 7, 30], y =>
        {
            Variable teacher = y.Tape.Constant(RandomValues.Uniform(31, 2 * 7 * 30, 2), "teacher", 2, 7, 30);
            return AttentionSimilarity.Loss(new AttentionTap(0, y, 2, 5, options, LearnedBias.RelativePosition(table, 2, 3)), new AttentionTap(0, teacher, 2, 5, options, null));
        }, 2e-2, table);
    }

    [Fact]
    public void ExactRows()
    {
        Parameter weight = GradientCheck.Random("fc.weight", 20, 0.5f, 10, 30);
        GradientCheck.Run(RandomValues.Uniform(21, 2 * 7 * 30), [2, 7, 30], y => y.Linear(weight).WithExactRows(y, 2, 2), 5e-3, weight);
    }

    // What is smooth in one-bit attention: values, bias, learned weights. The signs are constants within a step as long as no query or key is near 0.
    [Fact]
    public void BinaryAttention_SmoothParts()
    {
        float[] signs = [.. RandomValues.Uniform(22, 2 * 7 * 30).Select(static (value, i) => i % 30 < 20 ? MathF.CopySign(1.5f, value) : value)];
        Parameter table = GradientCheck.Random("table", 25, 1, (3 * 5) + 3, 2);
        var options = new BinaryAttentionOptions { Quantization = ValueQuantization.Full };
        float[] weights = RandomValues.Uniform(26, 2 * 2 * 7);
        GradientCheck.Run(weights, [2, 2, 7], x => x.Tape.Constant(signs, "qkv", 2, 7, 30).WeightedSelfAttention(2, x, x.Tape.Constant(RandomValues.Uniform(27, 28), "columns", 2, 2, 7), options, LearnedBias.RelativePosition(table, 2, 3)), 5e-3, table);
        GradientCheck.Run(weights, [2, 2, 7], x => x.Tape.Constant(signs, "qkv", 2, 7, 30).WeightedSelfAttention(2, x.Tape.Constant(RandomValues.Uniform(27, 28), "rows", 2, 2, 7), x, options), 5e-3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void CodedAttention_BiasAndFactors(int rank)
    {
        // Codes of 4 signs and 2 heads; behind them bias and factors, whose gradients are smooth.
        int columns = 2 * (8 + 1 + (2 * rank));
        float[] codes = [.. RandomValues.Uniform(28, 2 * 7 * 16).Select(static value => MathF.CopySign(1.5f, value))], values = RandomValues.Uniform(29, 2 * 7 * 30);
        float[] input = RandomValues.Uniform(31, 2 * 7 * columns);
        for (int row = 0; row < 2 * 7; row++)
        {
            codes.AsSpan(row * 16, 16).CopyTo(input.AsSpan(row * columns));
        }

        var options = new BinaryAttentionOptions { Quantization = ValueQuantization.Full, Weighting = SignWeighting.None, LogitScale = 0.5f };

        // With weights None and |x| > 1 nothing flows through the codes, which a step of 1/64 does not turn over either.
        GradientCheck.Run(input, [2, 7, columns], x => x.CodedSelfAttention(x.Tape.Constant(values, "qkv", 2, 7, 30), 2, rank, options), 5e-3);
    }

    [Fact]
    public void CodedAttention_IsSelfAttention_WhenCodesAreQueriesAndKeys()
    {
        float[] fused = RandomValues.Uniform(32, 3 * 9 * 48), codes = new float[3 * 9 * 34];
        for (int row = 0; row < 27; row++)
        {
            fused.AsSpan(row * 48, 32).CopyTo(codes.AsSpan(row * 34));
        }

        var options = new BinaryAttentionOptions { Weighting = SignWeighting.PerTokenQuery, Quantization = ValueQuantization.Full };
        float[] factors = RandomValues.Uniform(33, 3 * 9 * 16);
        using var tape = new Tape();
        Variable plain = tape.Leaf(fused, "fused", 3, 9, 48), coded = tape.Leaf(codes, "codes", 3, 9, 34), values = tape.Leaf(fused, "values", 3, 9, 48);
        Variable left = plain.SelfAttention(2, options), right = coded.CodedSelfAttention(values, 2, 0, options);
        left.IsRetained = right.IsRetained = true;
        tape.Backward(LossFunctions.WeightedSum((left.WeightedSum(factors), 1), (right.WeightedSum(factors), 1)));
        for (int i = 0; i < factors.Length; i++)
        {
            Assert.Equal(left.Values[i], right.Values[i], 1e-5f);
        }

        for (int i = 0; i < fused.Length; i++)
        {
            float actual = i % 48 < 32 ? coded.Gradient[(i / 48 * 34) + (i % 48)] : values.Gradient[i];
            Assert.Equal(plain.Gradient[i], actual, 1e-5f);
        }
    }

    [Fact]
    public void Losses()
    {
        float[] teacher = RandomValues.Uniform(34, 4 * 6, 3), targets = [.. RandomValues.Uniform(35, 4 * 6).Select(MathF.Abs)];
        float[] x = RandomValues.Uniform(36, 4 * 6, 2);
        GradientCheck.Run(x, [4, 6], static y => LossFunctions.CrossEntropy(y, [0, 5, 2, 2], 0.1), 3e-3);
        GradientCheck.Run(x, [4, 6], y => LossFunctions.SoftTargetCrossEntropy(y, targets), 3e-3);
        GradientCheck.Run(x, [4, 6], y => LossFunctions.BinaryCrossEntropy(y, targets), 3e-3);
        GradientCheck.Run(x, [4, 6], y => LossFunctions.Divergence(y, teacher, 2.5), 3e-3);
        GradientCheck.Run(x, [4, 6], y => LossFunctions.Distillation(LossFunctions.CrossEntropy(y, [0, 1, 2, 3]), y, teacher, DistillationKind.Soft, 0.3, 2), 3e-3);
    }
}
