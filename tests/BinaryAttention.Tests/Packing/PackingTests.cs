// Packed tokens against one token at a time, bit for bit: sign words, magnitudes and the head's total, and 8-bit codes against single codes.
using BinaryAttention.Bits;
using Xunit;

namespace BinaryAttention.Tests.Packing;

public sealed unsafe class PackingTests
{
    [Theory]
    [InlineData(0f)]
    [InlineData(float.Epsilon)]
    public void Tokens_EqualTokenByToken(float threshold)
    {
        Assert.SkipUnless(TokenSigns512.IsSupported, "needs AVX-512");
        foreach (int dimension in (int[])[1, 7, 8, 15, 16, 17, 48, 63, 64, 65, 80, 100, 127, 128, 129, 192, 300])
        {
            foreach (int count in (int[])[1, 7, 8, 9, 30])
            {
                Check(dimension, count, threshold);
            }
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(72)]
    [InlineData(128)]
    [InlineData(200)]
    public void Codes_EqualSingleCodes(int dimension)
    {
        const int BitsPerCode = 8;
        foreach (int keys in (int[])[1, 63, 64, 65, 200])
        {
            int words = SignRow.Words(dimension);
            var random = new Random(dimension + keys);
            var signs = new ulong[keys * words];
            for (int i = 0; i < signs.Length; i++)
            {
                signs[i] = (ulong)random.NextInt64(long.MinValue, long.MaxValue) & (i % words == words - 1 && dimension % 64 != 0 ? (1UL << (dimension % 64)) - 1 : ulong.MaxValue);
            }

            int planes = KeyCodes.Planes(dimension, BitsPerCode);
            var codes = new byte[KeyCodes.Bytes(keys, dimension, BitsPerCode)];
            fixed (ulong* source = signs)
            fixed (byte* destination = codes)
            {
                KeyCodes.Pack(source, keys, dimension, BitsPerCode, destination);
                for (int key = 0; key < keys; key++)
                {
                    for (int plane = 0; plane < planes; plane++)
                    {
                        byte expected = KeyCodes.Code(source + (key * words), words, plane * BitsPerCode, BitsPerCode);
                        Assert.Equal(expected, codes[((((key / KeyCodes.BlockKeys) * planes) + plane) * KeyCodes.BlockKeys) + (key % KeyCodes.BlockKeys)]);
                    }
                }
            }
        }
    }

    private static void Check(int dimension, int count, float threshold)
    {
        int stride = dimension + 2;
        var random = new Random(dimension);
        var tokens = new float[count * stride];
        float[] special = [0f, -0f, float.Epsilon, -float.Epsilon, 1e38f];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = i % stride >= dimension ? float.NaN : random.Next(6) == 0 ? special[random.Next(special.Length)] : (float)random.NextDouble() - 0.5f;
        }

        int words = SignRow.Words(dimension);
        var signs = new ulong[count * words];
        var expectedSigns = new ulong[count * words];
        var magnitudes = new float[count];
        double expectedTotal = 0;
        fixed (float* source = tokens, magnitude = magnitudes)
        fixed (ulong* sign = signs, expectedSign = expectedSigns)
        {
            double total = TokenSigns512.Pack(source, stride, count, dimension, threshold, sign, magnitude);
            for (int token = 0; token < count; token++)
            {
                double sum = SignRow.Pack(source + (token * stride), dimension, threshold, expectedSign + (token * words));
                expectedTotal += sum;
                Assert.Equal((float)(sum / dimension), magnitudes[token]);
            }

            Assert.Equal(expectedTotal, total);
        }

        Assert.Equal(expectedSigns, signs);
    }
}
