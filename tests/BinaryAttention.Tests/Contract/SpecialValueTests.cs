// Special values (operator page): bad input is never hidden. Every kernel, the reference included.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class SpecialValueTests
{
    public static TheoryData<string, ValueQuantization, BiasForm> Modes()
    {
        var data = new TheoryData<string, ValueQuantization, BiasForm>();
        foreach (string kernel in ContractCases.AllKernels)
        {
            foreach (ValueQuantization quantization in Enum.GetValues<ValueQuantization>())
            {
                data.Add(kernel, quantization, BiasForm.None);
                data.Add(kernel, quantization, BiasForm.DenseShared);
            }
        }

        return data;
    }

    public static TheoryData<string> Kernels() => ContractCases.OneRowPerKernel(ContractCases.AllKernels);

    [Theory]
    [MemberData(nameof(Modes))]
    public void NonFiniteQueryOrKey_GivesNaNInItsWholeHead(string kernel, ValueQuantization quantization, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);
        foreach (int dimension in (int[])[5, 64, 300])
        {
            foreach (WeightingForm weighting in Enum.GetValues<WeightingForm>())
            {
                AttentionCase c = Case(quantization, bias) with { HeadDimension = dimension, Weighting = weighting };
                AttentionResult clean = CaseRunner.Binary(c, kernel);
                foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
                {
                    Operands operands = c.MakeOperands();

                    // Query head 1 of item 0, last token, last channel; then key head 1 of item 1, which query heads 2 and 3 read.
                    operands.Query[(2 * c.Queries * dimension) - 1] = bad;
                    operands.Key[(((3 * c.Keys) + 4) * dimension) + 1] = bad;
                    AttentionResult actual = CaseRunner.Binary(c, operands, kernel);
                    for (int head = 0; head < c.Batch * c.Heads; head++)
                    {
                        bool isBad = head is 1 or 6 or 7;
                        CheckHead(clean.Output, actual.Output, head, c.Queries * c.ValueDimension, isBad);
                        CheckHead(clean.LogSumExp, actual.LogSumExp, head, c.Queries, isBad);
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Exact_SpreadsNaNFromMaskedPairs_AsIeeeArithmeticHasIt(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        var shape = new AttentionShape(1, 1, 1, 2, 1, 1);
        var options = new AttentionOptions { Bias = AttentionBias.PerKey(new[] { 0f, float.NegativeInfinity }, 1, 1, 2) };
        options = options with { Kernel = KernelPreference.NameOrBest(kernel, shape, options) };
        var output = new float[1];

        Attention.ScaledDotProduct([1f], [1f, 2f], [3f, 4f], output, shape, options);
        Assert.Equal(3f, output[0]);
        Attention.ScaledDotProduct([1f], [1f, float.NaN], [3f, 4f], output, shape, options);
        Assert.True(float.IsNaN(output[0]), "a NaN key");
        Attention.ScaledDotProduct([1f], [1f, 2f], [3f, float.NaN], output, shape, options);
        Assert.True(float.IsNaN(output[0]), "a NaN value");

        var masked = new AttentionOptions { Kernel = options.Kernel, Bias = AttentionBias.PerKey(new[] { float.NegativeInfinity, float.NegativeInfinity }, 1, 1, 2) };
        Attention.ScaledDotProduct([1f], [1f, 2f], [float.NaN, 4f], output, shape, masked);
        Assert.Equal(0f, output[0]);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void NonFiniteValue_GivesNaNInItsChannelOfEveryRow(string kernel, ValueQuantization quantization, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);

        // Sharp logits: most keys have probability 0, and a NaN must show all the same.
        foreach (float? scale in (float?[])[null, 5f])
        {
            AttentionCase c = Case(quantization, bias) with { LogitScale = scale };
            AttentionResult clean = CaseRunner.Binary(c, kernel);
            foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            {
                foreach (int channel in (int[])[0, 3, c.ValueDimension - 1])
                {
                    Operands operands = c.MakeOperands();
                    operands.Value[(4 * c.ValueDimension) + channel] = bad; // key head 0 of item 0: query heads 0 and 1
                    AttentionResult actual = CaseRunner.Binary(c, operands, kernel);
                    for (int i = 0; i < actual.Output.Length; i++)
                    {
                        bool isBad = i < 2 * c.Queries * c.ValueDimension && i % c.ValueDimension == channel;
                        Assert.True(isBad ? float.IsNaN(actual.Output[i]) : clean.Output[i].Equals(actual.Output[i]), $"{bad} in channel {channel}: output[{i}] is {actual.Output[i]:R}, without it {clean.Output[i]:R}");
                    }

                    Bits.Equal(clean.LogSumExp, actual.LogSumExp, "logSumExp");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void ZeroQueriesOrKeys_GiveUniformAttention(string kernel, ValueQuantization quantization, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);
        Assert.SkipWhen(bias != BiasForm.None, "a bias makes attention uneven");
        foreach (WeightingForm weighting in (WeightingForm[])[WeightingForm.PerHead, WeightingForm.PerTokenQuery, WeightingForm.PerToken])
        {
            foreach (bool zeroQuery in (bool[])[true, false])
            {
                AttentionCase c = Case(quantization, bias) with { Weighting = weighting };
                Operands operands = c.MakeOperands();
                Array.Clear(zeroQuery ? operands.Query : operands.Key);
                AttentionResult actual = CaseRunner.Binary(c, operands, kernel);
                float levels = quantization == ValueQuantization.TrainingParity ? MathF.Round(255f / c.Keys) * c.Keys / 255f : 1f;
                for (int i = 0; i < actual.Output.Length; i++)
                {
                    int head = i / (c.Queries * c.ValueDimension);
                    int keyHead = (head / c.Heads * c.KeyHeads) + (head % c.Heads / 2);
                    double mean = 0;
                    for (int key = 0; key < c.Keys; key++)
                    {
                        mean += operands.Value[(((keyHead * c.Keys) + key) * c.ValueDimension) + (i % c.ValueDimension)] / (double)c.Keys;
                    }

                    // 8-bit values: at most half a level of a range of about +-4, averaged.
                    double allowed = quantization == ValueQuantization.Full ? 1e-6 : 0.02;
                    Assert.Equal(mean * levels, actual.Output[i], allowed);
                }

                Assert.All(actual.LogSumExp, value => Assert.Equal(Math.Log(c.Keys), value, 1e-6));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void HugeButRepresentableLogits_PickTheNearestKeys(string kernel, ValueQuantization quantization, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);
        Assert.SkipWhen(bias != BiasForm.None, "a bias of about 1 is below the resolution of float32 logits of 1e30");
        AttentionCase c = Case(quantization, bias) with { Inputs = InputKind.Huge, LogitScale = 1f };
        AttentionResult expected = CaseRunner.Binary(c, ContractCases.Reference);
        AttentionResult actual = CaseRunner.Binary(c, kernel);
        Assert.All(actual.Output, value => Assert.True(float.IsFinite(value)));
        for (int i = 0; i < actual.LogSumExp.Length; i++)
        {
            Assert.Equal(1.0, actual.LogSumExp[i] / (double)expected.LogSumExp[i], 1e-6);
        }

        double largest = expected.Output.Max(Math.Abs);
        for (int i = 0; i < actual.Output.Length; i++)
        {
            Assert.Equal(expected.Output[i] / largest, actual.Output[i] / largest, 1e-5);
        }
    }

    // Finite inputs whose logits exceed float32: attention is one-hot, never NaN or silent zeros. Table mode gives the reference's bits all the same.
    [Theory]
    [MemberData(nameof(Modes))]
    public void LogitsBeyondFloat_AreLegal(string kernel, ValueQuantization quantization, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);
        foreach (int dimension in (int[])[40, 300])
        {
            foreach (WeightingForm weighting in (WeightingForm[])[WeightingForm.PerHead, WeightingForm.PerToken])
            {
                AttentionCase c = Case(quantization, bias == BiasForm.None ? bias : BiasForm.DenseMasked) with { LogitScale = 1e30f, Weighting = weighting, HeadDimension = dimension };
                Operands operands = c.MakeOperands();
                for (int i = 0; i < operands.Key.Length; i++)
                {
                    operands.Key[i] *= 1e30f;
                }

                AttentionResult expected = CaseRunner.Binary(c, operands, ContractCases.Reference);
                AttentionResult actual = CaseRunner.Binary(c, operands, kernel);
                Bits.Equal(expected.LogSumExp, actual.LogSumExp, "logSumExp");
                Assert.All(actual.Output, value => Assert.True(float.IsFinite(value)));
                if (quantization == ValueQuantization.Full)
                {
                    Assert.Null(Tolerance.Violation("output", expected.Output, expected.Output, actual.Output));
                }
                else
                {
                    Bits.Equal(expected.Output, actual.Output, "output");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void FullyMaskedRows_AreZeros_EvenWithNaNValues(string kernel, ValueQuantization quantization, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);
        AttentionCase c = Case(quantization, bias) with { Bias = BiasForm.DenseMasked };
        Operands operands = c.MakeOperands();
        operands.Value[0] = float.NaN;
        AttentionResult actual = CaseRunner.Binary(c, operands, kernel);
        CheckMaskedRows(c, actual);
        CheckMaskedRows(c, CaseRunner.Exact(c, operands, kernel));
    }

    // Exact attention spreads as IEEE arithmetic has it: a bad query stays in its row, a bad key reaches every row, a NaN value its channel.
    // 33 and 197 keys leave a vector of padding beyond the last key in every vector width; 5 leaves whole vectors.
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Exact_NaNSpreadsAsIeee(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        foreach (int keys in (int[])[1, 5, 16, 33, 64, 197, 256, 257, 300])
        {
            var c = new AttentionCase { Heads = 2, KeyHeads = 2, Queries = 9, Keys = keys, HeadDimension = 20, ValueDimension = 11 };
            AttentionResult clean = CaseRunner.Exact(c, kernel);
            Operands operands = c.MakeOperands();
            operands.Query[(4 * c.HeadDimension) + 2] = float.NaN;
            AttentionResult actual = CaseRunner.Exact(c, operands, kernel);
            CheckRows(clean, actual, c, row => row == 4);

            operands = c.MakeOperands();
            operands.Key[((keys - 1) * c.HeadDimension) + 2] = float.NaN;
            CheckRows(clean, CaseRunner.Exact(c, operands, kernel), c, row => row < c.Queries);

            operands = c.MakeOperands();
            operands.Value[((keys - 1) * c.ValueDimension) + 2] = float.NaN;
            actual = CaseRunner.Exact(c, operands, kernel);
            Bits.Equal(clean.LogSumExp, actual.LogSumExp, "logSumExp");
            for (int i = 0; i < actual.Output.Length; i++)
            {
                bool isBad = i < c.Queries * c.ValueDimension && i % c.ValueDimension == 2;
                Assert.True(isBad ? float.IsNaN(actual.Output[i]) : clean.Output[i].Equals(actual.Output[i]), $"{keys} keys: output[{i}]");
            }
        }
    }

    // An infinite query makes logits of +-infinity; infinity minus infinity is NaN, and all -infinity without a mask is 0 / 0.
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Exact_InfiniteLogitsGiveNaN(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        foreach (float sign in (float[])[1f, -1f])
        {
            foreach (BiasForm bias in (BiasForm[])[BiasForm.None, BiasForm.DenseShared])
            {
                var c = new AttentionCase { Queries = 7, Keys = 37, HeadDimension = 16, ValueDimension = 9, Bias = bias };
                Operands operands = c.MakeOperands();
                operands.Query[3 * c.HeadDimension] = float.PositiveInfinity;
                for (int key = 0; key < c.Keys; key++)
                {
                    operands.Key[key * c.HeadDimension] = sign * (1f + MathF.Abs(operands.Key[key * c.HeadDimension]));
                }

                AttentionResult actual = CaseRunner.Exact(c, operands, kernel);
                for (int channel = 0; channel < c.ValueDimension; channel++)
                {
                    Assert.True(float.IsNaN(actual.Output[(3 * c.ValueDimension) + channel]), $"channel {channel} is {actual.Output[(3 * c.ValueDimension) + channel]}");
                    Assert.True(float.IsFinite(actual.Output[channel]));
                }

                Assert.True(sign > 0 ? float.IsNaN(actual.LogSumExp[3]) : float.IsNegativeInfinity(actual.LogSumExp[3]), $"logSumExp is {actual.LogSumExp[3]}");
            }
        }
    }

    // The same under a mask, where a NaN value that no row sees sends the head to the plain loops: an infinite query still gives 0 / 0, a masked row zeros, and the others what they gave without it.
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Exact_NaNValuesBehindAMask_AreNotSeen(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        foreach (BiasForm bias in (BiasForm[])[BiasForm.None, BiasForm.DenseMasked])
        {
            var c = new AttentionCase { Queries = 7, Keys = 37, HeadDimension = 16, ValueDimension = 9, Mask = MaskParts.Causal, Bias = bias };
            Operands operands = c.MakeOperands();
            for (int key = 0; key < c.Keys; key++)
            {
                operands.Key[key * c.HeadDimension] = -(1f + MathF.Abs(operands.Key[key * c.HeadDimension]));
            }

            operands.Query[3 * c.HeadDimension] = float.PositiveInfinity;
            AttentionResult clean = CaseRunner.Exact(c, operands, kernel);
            operands.Value[^1] = float.NaN; // the last query alone sees the last key
            AttentionResult actual = CaseRunner.Exact(c, operands, kernel);
            AttentionResult expected = CaseRunner.Exact(c, operands, ContractCases.Reference);
            Assert.True(float.IsNaN(actual.Output[3 * c.ValueDimension]), "an infinite query");
            for (int i = 0; i < actual.Output.Length; i++)
            {
                Assert.True(float.IsNaN(expected.Output[i]) ? float.IsNaN(actual.Output[i]) : Math.Abs(expected.Output[i] - actual.Output[i]) < 1e-5f, $"output[{i}] is {actual.Output[i]:R}; expected {expected.Output[i]:R}");
                bool seesNaN = i / c.ValueDimension == c.Queries - 1;
                Assert.True(seesNaN || float.IsNaN(clean.Output[i]) == float.IsNaN(actual.Output[i]), $"output[{i}] is {actual.Output[i]:R}, without the NaN {clean.Output[i]:R}");
            }
        }
    }

    private static AttentionCase Case(ValueQuantization quantization, BiasForm bias) => new()
    {
        Batch = 2, Heads = 4, KeyHeads = 2, Queries = 10, Keys = 21, HeadDimension = 40, ValueDimension = 19, Quantization = quantization, Bias = bias,
    };

    private static void CheckHead(float[] clean, float[] actual, int head, int elements, bool isBad)
    {
        for (int i = head * elements; i < (head + 1) * elements; i++)
        {
            Assert.True(isBad ? float.IsNaN(actual[i]) : clean[i].Equals(actual[i]), $"head {head}, element {i}: {actual[i]:R}, clean {clean[i]:R}");
        }
    }

    private static void CheckRows(AttentionResult clean, AttentionResult actual, AttentionCase c, Func<int, bool> isBad)
    {
        for (int row = 0; row < clean.LogSumExp.Length; row++)
        {
            CheckHead(clean.Output, actual.Output, row, c.ValueDimension, isBad(row));
            CheckHead(clean.LogSumExp, actual.LogSumExp, row, 1, isBad(row));
        }
    }

    private static void CheckMaskedRows(AttentionCase c, AttentionResult actual)
    {
        int masked = 0;
        for (int row = 2; row < actual.LogSumExp.Length; row += 4)
        {
            masked++;
            Assert.Equal(float.NegativeInfinity, actual.LogSumExp[row]);
            Assert.All(actual.Output[(row * c.ValueDimension)..((row + 1) * c.ValueDimension)], value => Assert.Equal(0f, value));
        }

        Assert.True(masked > 0);
    }
}
