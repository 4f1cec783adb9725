// The output never hides a bad input, and masked rows are zeros (operator page, "Special values").
using Xunit;
using static BinaryAttention.Tests.Reference.ReferenceForwardTests;

namespace BinaryAttention.Tests.Reference;

public sealed class ReferenceSpecialValueTests
{
    private const int Row = 5 * 3; // output elements of one head

    private static readonly AttentionShape Shape = new(1, 4, 5, 6, 7, 3) { KeyHeadCount = 2 };

    public static TheoryData<ValueQuantization, bool, float> Cases()
    {
        var cases = new TheoryData<ValueQuantization, bool, float>();
        foreach (ValueQuantization quantization in Enum.GetValues<ValueQuantization>())
        {
            foreach (float bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                cases.Add(quantization, false, bad);
                cases.Add(quantization, true, bad);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void BadQuery_SpoilsItsHeadOnly(ValueQuantization quantization, bool hasBias, float bad)
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        query[(2 * 5 * 7) + 9] = bad; // head 2, token 1
        (float[] output, float[] logSumExp) = Binary(query, key, value, Shape, Options(quantization, hasBias));
        AssertSpoiled(output, logSumExp, head => head == 2);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void BadKey_SpoilsAllHeadsThatReadIt(ValueQuantization quantization, bool hasBias, float bad)
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        key[(1 * 6 * 7) + 5] = bad; // key head 1 is read by heads 2 and 3
        (float[] output, float[] logSumExp) = Binary(query, key, value, Shape, Options(quantization, hasBias));
        AssertSpoiled(output, logSumExp, head => head >= 2);
    }

    [Fact]
    public void BadQuery_SpoilsItsHead_WithoutWeightsToo()
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        query[0] = float.NaN;
        (float[] output, float[] logSumExp) = Binary(query, key, value, Shape, new() { Weighting = SignWeighting.None });
        AssertSpoiled(output, logSumExp, head => head == 0);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void BadValue_SpoilsItsChannelOnly(ValueQuantization quantization, bool hasBias, float bad)
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        (float[] clean, float[] cleanLogSumExp) = Binary(query, key, value, Shape, Options(quantization, hasBias));
        value[(4 * 3) + 1] = bad; // key head 0, token 4, channel 1
        (float[] output, float[] logSumExp) = Binary(query, key, value, Shape, Options(quantization, hasBias));
        Assert.Equal(cleanLogSumExp, logSumExp);
        for (int i = 0; i < output.Length; i++)
        {
            Assert.Equal(i / Row < 2 && i % 3 == 1 ? float.NaN : clean[i], output[i]);
        }
    }

    [Theory]
    [InlineData(ValueQuantization.Full)]
    [InlineData(ValueQuantization.Tiled)]
    [InlineData(ValueQuantization.TrainingParity)]
    public void FullyMaskedRow_GivesZeros(ValueQuantization quantization)
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        value[1] = float.NaN;
        float[] bias = new float[5 * 6];
        bias.AsSpan(2 * 6, 6).Fill(float.NegativeInfinity);
        (float[] output, float[] logSumExp) = Binary(query, key, value, Shape, new() { Quantization = quantization, Bias = AttentionBias.Dense(bias, 1, 1, 5, 6) });
        for (int row = 0; row < logSumExp.Length; row++)
        {
            bool isMasked = row % 5 == 2;
            Assert.Equal(isMasked, float.IsNegativeInfinity(logSumExp[row]));
            Assert.Equal(isMasked, output.AsSpan(row * 3, 3).SequenceEqual(new float[3]));
        }
    }

    [Fact]
    public void FullyMaskedRow_GivesZeros_Exact()
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        float[] bias = new float[5 * 6];
        bias.AsSpan(2 * 6, 6).Fill(float.NegativeInfinity);
        var output = new float[4 * Row];
        var logSumExp = new float[20];
        Attention.ScaledDotProduct(query, key, value, output, Shape, new() { Bias = AttentionBias.Dense(bias, 1, 1, 5, 6), Kernel = "reference" }, logSumExp);
        Assert.True(output.AsSpan(2 * 3, 3).SequenceEqual(new float[3]));
        Assert.Equal(float.NegativeInfinity, logSumExp[2]);
        Assert.DoesNotContain(0f, output.AsSpan(3 * 3, 3).ToArray());
    }

    [Fact]
    public void MaskedKey_EqualsNoKey()
    {
        // Weights 1, since a masked key still takes part in the means.
        var shape = new AttentionShape(1, 1, 5, 6, 7, 3);
        (float[] query, float[] key, float[] value) = Operands(shape);
        float[] bias = [0, 0, 0, 0, 0, float.NegativeInfinity];
        (float[] masked, float[] maskedLogSumExp) = Binary(query, key, value, shape, new() { Weighting = SignWeighting.None, Quantization = ValueQuantization.Full, Bias = AttentionBias.PerKey(bias, 1, 1, 6) });
        (float[] shorter, float[] shorterLogSumExp) = Binary(query, key[..35], value[..15], shape with { KeyLength = 5 }, new() { Weighting = SignWeighting.None, Quantization = ValueQuantization.Full });
        Assert.Equal(shorter, masked);
        Assert.Equal(shorterLogSumExp, maskedLogSumExp);
    }

    [Fact]
    public void HugeLogits_DoNotOverflow()
    {
        (float[] query, float[] key, float[] value) = Operands(Shape);
        (float[] output, float[] logSumExp) = Binary(Array.ConvertAll(query, static x => x * 1e30f), key, value, Shape, new());
        Assert.All(output, x => Assert.True(float.IsFinite(x)));
        Assert.All(logSumExp, x => Assert.True(float.IsFinite(x)));
    }

    private static BinaryAttentionOptions Options(ValueQuantization quantization, bool hasBias) => new()
    {
        Quantization = quantization,
        Bias = hasBias ? AttentionBias.PerKey(GaussianData.Make(6, 5), 1, 1, 6) : null,
    };

    private static void AssertSpoiled(float[] output, float[] logSumExp, Func<int, bool> isSpoiled)
    {
        for (int i = 0; i < output.Length; i++)
        {
            Assert.Equal(isSpoiled(i / Row), float.IsNaN(output[i]));
        }

        for (int i = 0; i < logSumExp.Length; i++)
        {
            Assert.Equal(isSpoiled(i / 5), float.IsNaN(logSumExp[i]));
        }
    }
}
