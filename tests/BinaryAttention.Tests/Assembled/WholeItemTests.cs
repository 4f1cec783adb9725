// Whole work items in one call of generated code, which is the path of calls that want the output alone: the reference's bits, whatever the sizes of tiles, tails and panels, and nothing written beside
// the output.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Assembled;

public sealed class WholeItemTests
{
    private const string Name = "assembled-avx512";
    private const int Heads = 3;
    private const float Canary = 12345f;

    [Theory]
    [InlineData(64, 64)]
    [InlineData(64, 40)]
    [InlineData(1, 8)]
    [InlineData(33, 1)]
    [InlineData(65, 20)]
    [InlineData(127, 33)]
    [InlineData(128, 48)]
    [InlineData(100, 16)]
    public void Gives_TheReferencesBits(int dimension, int valueDimension)
    {
        Require();
        int seed = 1;
        foreach (int queries in (int[])[1, 5, 6, 7, 25, 49, 197])
        {
            foreach (int keys in (int[])[1, 16, 17, 64, 65, 130, 197])
            {
                SignWeighting weighting = (seed % 3) switch { 0 => SignWeighting.None, 1 => SignWeighting.MeanMagnitudePerHead, _ => SignWeighting.PerTokenQuery };
                Check(seed++, dimension, valueDimension, queries, keys, weighting, mask: null, scale: seed % 5 == 0 ? -0.2f : null);
            }
        }
    }

    [Fact]
    public void KeyAndQueryLengths_AreTaken()
    {
        Require();
        Check(1, 64, 64, 70, 140, SignWeighting.MeanMagnitudePerHead, AttentionMask.Lengths(new[] { 61 }, new[] { 129 }), scale: null);
        Check(2, 64, 64, 70, 140, SignWeighting.PerTokenQuery, AttentionMask.Lengths(new[] { 1 }, new[] { 1 }), scale: null);
        Check(3, 64, 64, 70, 140, SignWeighting.None, AttentionMask.Lengths(default, new[] { 0 }), scale: null);
    }

    // Entry 127 of a table that is not 0 belongs to keys beyond the tables that the map stage reads; such items go tile by tile.
    [Theory]
    [InlineData(127)]
    [InlineData(128)]
    public void FlatTables_AreRight(int dimension)
    {
        Require();
        Check(1, dimension, 32, 50, 90, SignWeighting.None, mask: null, scale: 1e-4f);
        Check(2, dimension, 32, 50, 90, SignWeighting.PerTokenQuery, mask: null, scale: 1e-4f);
    }

    private static void Check(int seed, int dimension, int valueDimension, int queries, int keys, SignWeighting weighting, AttentionMask? mask, float? scale)
    {
        const int Gap = 3;
        var shape = new AttentionShape(1, Heads, queries, keys, dimension, valueDimension) { KeyHeadCount = 1 };
        float[] query = Inputs.Gaussian(seed, Heads * queries * dimension);
        float[] key = Inputs.Gaussian(seed + 1, keys * dimension);
        float[] value = Inputs.Gaussian(seed + 2, keys * valueDimension);

        // One query is the opposite of a key, one is that key.
        for (int channel = 0; channel < dimension; channel++)
        {
            query[channel] = -key[channel];
            query[((queries - 1) * dimension) + channel] = key[channel];
        }

        if (seed % 4 == 0)
        {
            value[valueDimension / 2] = float.NaN;
        }

        var options = new BinaryAttentionOptions { Weighting = weighting, Mask = mask, LogitScale = scale, MaxDegreeOfParallelism = 1 };
        var expected = new float[Heads * queries * valueDimension];
        Attention.BinaryScaledDotProduct(query, key, value, expected, shape, options with { Kernel = "reference" });
        var actual = new float[expected.Length + (2 * Gap)];
        Array.Fill(actual, Canary);
        Attention.BinaryScaledDotProduct(query, key, value, actual.AsSpan(Gap, expected.Length), shape, options with { Kernel = Name });
        Contract.Bits.Equal(expected, actual.AsSpan(Gap, expected.Length), $"d {dimension}, dv {valueDimension}, {queries} queries, {keys} keys, {weighting}");
        Assert.All(actual[..Gap], item => Assert.Equal(Canary, item));
        Assert.All(actual[^Gap..], item => Assert.Equal(Canary, item));
    }

    private static void Require()
    {
        KernelDescription description = AttentionKernels.All.Single(kernel => kernel.Name == Name);
        Assert.SkipUnless(description.IsUsable, description.WhyNot ?? string.Empty);
    }
}
