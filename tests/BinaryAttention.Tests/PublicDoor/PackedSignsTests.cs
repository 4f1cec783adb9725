// Packed signs against a channel-by-channel definition, in both layouts, and their refusals.
using System.Numerics.Tensors;
using Xunit;

namespace BinaryAttention.Tests.PublicDoor;

public sealed class PackedSignsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(59)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(130)]
    public void Pack_KeepsSignsAndMagnitudes(int dimension)
    {
        const int Batch = 2, Heads = 3, Tokens = 5;
        var random = new Random(dimension);
        var values = new float[Batch * Heads * Tokens * dimension];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = i % 7 == 0 ? 0f : (float)(random.NextDouble() - 0.5);
        }

        Tensor<float> tensor = Tensor.Create(values, [Batch, Heads, Tokens, dimension]);
        Tensor<float> tokensFirst = Tensor.PermuteDimensions(tensor, [0, 2, 1, 3]);
        using PackedSigns signs = PackedSigns.Pack(tensor);
        using PackedSigns same = PackedSigns.Pack(tokensFirst, TensorLayout.TokenHeadDimension);
        Assert.Equal((Batch, Heads, Tokens, dimension, (dimension + 63) / 64), (signs.BatchSize, signs.HeadCount, signs.TokenCount, signs.Dimension, signs.WordsPerToken));
        for (int row = 0; row < Batch * Heads * Tokens; row++)
        {
            (int batch, int head, int token) = (row / (Heads * Tokens), row / Tokens % Heads, row % Tokens);
            ReadOnlySpan<float> channels = values.AsSpan(row * dimension, dimension);
            var expected = new ulong[signs.WordsPerToken];
            double sum = 0;
            for (int channel = 0; channel < dimension; channel++)
            {
                expected[channel / 64] |= (channels[channel] >= 0 ? 1UL : 0UL) << (channel % 64);
                sum += Math.Abs(channels[channel]);
            }

            Assert.Equal(expected, signs.Words(batch, head, token).ToArray());
            Assert.Equal(expected, same.Words(batch, head, token).ToArray());
            Assert.Equal((float)(sum / dimension), signs.TokenMagnitude(batch, head, token), 1e-6f);
            int distance = 0;
            for (int channel = 0; channel < dimension; channel++)
            {
                distance += channels[channel] >= 0 != (values[((row - token) * dimension) + channel] >= 0) ? 1 : 0;
            }

            Assert.Equal(distance, signs.HammingDistance(batch, head, token, same, 0));
        }

        double head0 = 0;
        foreach (float value in values.AsSpan(0, Tokens * dimension))
        {
            head0 += Math.Abs(value);
        }

        Assert.Equal((float)(head0 / (Tokens * dimension)), signs.HeadMagnitude(0, 0), 1e-6f);
        Assert.True(signs.ByteCount >= (long)Batch * Heads * Tokens * signs.WordsPerToken * 8);
    }

    [Fact]
    public void Pack_ReportsNonFiniteHeads()
    {
        using PackedSigns signs = PackedSigns.Pack(Tensor.Create([1f, float.NaN, 2f, -3f], [1, 2, 1, 2]));
        Assert.False(signs.IsFinite(0, 0));
        Assert.True(signs.IsFinite(0, 1));
        Assert.True(float.IsNaN(signs.TokenMagnitude(0, 0, 0)));
    }

    [Fact]
    public void Rejects_WhatDoesNotFit()
    {
        PackedSigns signs = PackedSigns.Pack(Tensor.Create(new float[4], [1, 1, 2, 2]));
        using PackedSigns other = PackedSigns.Pack(Tensor.Create(new float[6], [1, 1, 2, 3]));
        Assert.Contains("token is 2; expected 0 to 1", Assert.Throws<ArgumentOutOfRangeException>(() => signs.TokenMagnitude(0, 0, 2)).Message, StringComparison.Ordinal);
        Assert.Contains("other has dimension 3", Assert.Throws<ArgumentException>(() => signs.HammingDistance(0, 0, 0, other, 0)).Message, StringComparison.Ordinal);
        Assert.Contains("rank 4", Assert.Throws<ArgumentException>(() => PackedSigns.Pack(Tensor.Create(new float[4], [2, 2]))).Message, StringComparison.Ordinal);
        signs.Dispose();
        Assert.Throws<ObjectDisposedException>(() => signs.TokenMagnitude(0, 0, 0));
    }
}
