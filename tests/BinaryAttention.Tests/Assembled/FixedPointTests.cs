// Fixed-point log mode against the reference: the error against exact softmax of the binary logits is at most 1.1 times that of ideal Tiled arithmetic, at moderate and large data scales, Gaussian
// and clustered, with every kind of weight, bias and mask.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Assembled;

public sealed class FixedPointTests
{
    private const double AllowedRatio = 1.1;
    private const string Name = "assembled-avx512";

    public static TheoryData<string, float, bool, string> Cases()
    {
        var data = new TheoryData<string, float, bool, string>();
        foreach (string bias in (string[])["none", "key", "dense", "masked", "relative", "class"])
        {
            foreach (float scale in (float[])[0.5f, 1f, 1.5f, 2f])
            {
                foreach (string weights in (string[])["head", "token", "learned"])
                {
                    if (bias != "none" || weights != "head")
                    {
                        data.Add(bias, scale, scale is 1f or 2f && weights != "head", weights);
                    }
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Error_IsAtMostElevenTenthsOfIdeal(string bias, float scale, bool isClustered, string weights)
    {
        Require();
        (int Dimension, int ValueDimension, int Tokens)[] sizes = bias switch
        {
            "relative" => [(64, 64, 196), (33, 20, 64), (128, 48, 225)],
            "class" => [(64, 64, 197), (96, 16, 226)],
            _ => [(64, 64, 197), (31, 72, 65), (128, 16, 260), (254, 33, 130)],
        };
        // Sizes and masks take turns over the cases.
        int turn = (int)(scale * 2) + (weights.Length * 5) + bias.Length;
        (int dimension, int valueDimension, int tokens) = sizes[turn % sizes.Length];
        AttentionMask?[] masks = [null, AttentionMask.Causal, AttentionMask.Lengths(new[] { tokens - 3 }, new[] { tokens - 7 })];
        Check(dimension, valueDimension, tokens, masks[turn % masks.Length], bias, scale, isClustered, weights);
    }

    // Their reciprocal is beyond float32; the logits are ordinary.
    [Fact]
    public void TinyKeyWeights_KeepTheirOrder()
    {
        Require();
        const int Tokens = 128, Dimension = 64;
        float[] query = [.. Inputs.Gaussian(1, Tokens * Dimension).Select(static x => x * 1e36f)], key = [.. Inputs.Gaussian(2, Tokens * Dimension).Select(static x => x * 1e-36f)];
        float[] value = Inputs.Gaussian(3, Tokens * Dimension), expected = new float[value.Length], actual = new float[value.Length];
        var shape = new AttentionShape(1, 1, Tokens, Tokens, Dimension, Dimension);
        var options = new BinaryAttentionOptions { Weighting = SignWeighting.MeanMagnitudePerToken, Kernel = "reference" };
        Attention.BinaryScaledDotProduct(query, key, value, expected, shape, options);
        Attention.BinaryScaledDotProduct(query, key, value, actual, shape, options with { Kernel = Name });
        Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First, pair.Second, 0.01));
    }

    private static void Check(int dimension, int valueDimension, int tokens, AttentionMask? mask, string bias, float scale, bool isClustered, string weights)
    {
        const int Batch = 1;
        const int Heads = 2;
        var shape = new AttentionShape(Batch, Heads, tokens, tokens, dimension, valueDimension) { KeyHeadCount = 1 };
        float[] query = Data(1, Batch * Heads, tokens, dimension, scale, isClustered);
        float[] key = Data(2, Batch, tokens, dimension, scale, isClustered);
        float[] value = Inputs.Gaussian(3, Batch * tokens * valueDimension);
        var options = new BinaryAttentionOptions
        {
            Mask = mask,
            Bias = Bias(bias, tokens, Heads),
            Weighting = weights switch
            {
                "head" => SignWeighting.MeanMagnitudePerHead,
                "token" => SignWeighting.MeanMagnitudePerToken,
                _ => SignWeighting.Learned(Inputs.Gaussian(5, Batch * Heads * tokens, scale), Inputs.Gaussian(6, Batch * tokens, scale)),
            },
            MaxDegreeOfParallelism = 1,
        };
        float[] exact = Run("reference", ValueQuantization.Full);
        float[] ideal = Run("reference", ValueQuantization.Tiled);
        float[] actual = Run(Name, ValueQuantization.Tiled);
        double idealError = Distance(ideal, exact);
        double error = Distance(actual, exact);
        Assert.True(error <= AllowedRatio * idealError, $"d {dimension}, dv {valueDimension}, {tokens} tokens, {mask}: error {error:E3}, ideal {idealError:E3}, ratio {error / idealError:F3}");

        float[] Run(string kernel, ValueQuantization quantization)
        {
            var output = new float[Batch * Heads * tokens * valueDimension];
            Attention.BinaryScaledDotProduct(query, key, value, output, shape, options with { Kernel = kernel, Quantization = quantization });
            return output;
        }
    }

    // One query far beyond 16 bits among others: its tile falls back to float rows, and all of them are right.
    [Fact]
    public void RowsBeyondSixteenBits_AreComputedInFloat()
    {
        Require();
        const int Tokens = 100;
        const int Dimension = 64;
        var shape = new AttentionShape(1, 1, Tokens, Tokens, Dimension, Dimension) { KeyHeadCount = 1 };
        float[] query = Inputs.Gaussian(1, Tokens * Dimension);
        float[] key = Inputs.Gaussian(2, Tokens * Dimension);
        float[] value = Inputs.Gaussian(3, Tokens * Dimension);
        var bias = new float[Tokens * Tokens];
        bias[(31 * Tokens) + 5] = 1e6f;
        bias[(40 * Tokens) + 6] = -1e6f;
        bias[(50 * Tokens) + 7] = float.NegativeInfinity;
        Array.Fill(bias, float.NegativeInfinity, 60 * Tokens, Tokens);
        foreach (AttentionBias rows in (AttentionBias[])[AttentionBias.Dense(bias, 1, 1, Tokens, Tokens), AttentionBias.PerKey(bias.AsMemory(31 * Tokens, Tokens), 1, 1, Tokens)])
        {
            var options = new BinaryAttentionOptions { Bias = rows, MaxDegreeOfParallelism = 1 };
            var expected = new float[query.Length];
            var actual = new float[query.Length];
            Attention.BinaryScaledDotProduct(query, key, value, expected, shape, options with { Kernel = "reference" });
            Attention.BinaryScaledDotProduct(query, key, value, actual, shape, options with { Kernel = Name });
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i], actual[i], 0.02f);
            }
        }
    }

    private static float[] Data(int seed, int heads, int tokens, int dimension, float scale, bool isClustered)
    {
        float[] data = Inputs.Gaussian(seed, heads * tokens * dimension, scale);
        if (isClustered)
        {
            float[] centres = Inputs.Gaussian(99, 8 * dimension, scale);
            for (int token = 0; token < heads * tokens; token++)
            {
                for (int channel = 0; channel < dimension; channel++)
                {
                    data[(token * dimension) + channel] = (0.4f * data[(token * dimension) + channel]) + centres[(token * 5 % 8 * dimension) + channel];
                }
            }
        }

        return data;
    }

    private static AttentionBias? Bias(string kind, int tokens, int heads)
    {
        float[] dense = Inputs.Gaussian(7, heads * tokens * tokens);
        if (kind == "masked")
        {
            for (int i = 0; i < dense.Length; i++)
            {
                dense[i] = i % 7 < 3 && i % tokens != 0 ? float.NegativeInfinity : dense[i];
            }
        }

        int side = (int)Math.Sqrt(tokens);
        int entries = ((2 * side) - 1) * ((2 * side) - 1);
        return kind switch
        {
            "none" => null,
            "key" => AttentionBias.PerKey(dense.AsMemory(0, heads * tokens), 1, heads, tokens),
            "relative" => AttentionBias.RelativePosition(dense.AsMemory(0, entries * heads), heads, side, side, false),
            "class" => AttentionBias.RelativePosition(dense.AsMemory(0, (entries + 3) * heads), heads, side, side, true),
            _ => AttentionBias.Dense(dense, 1, heads, tokens, tokens),
        };
    }

    private static double Distance(float[] left, float[] right) => Math.Sqrt(left.Zip(right, (a, b) => ((double)a - b) * ((double)a - b)).Sum());

    private static void Require()
    {
        KernelDescription description = AttentionKernels.All.Single(kernel => kernel.Name == Name);
        Assert.SkipUnless(description.IsUsable, description.WhyNot ?? string.Empty);
    }
}
