using BinaryAttention.Formats.Images.Jpeg;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>The integer transform against the definition in double precision (ISO/IEC 10918-1, A.3.3).</summary>
public sealed class IntegerDctTests
{
    private static readonly ushort[] Ones = [.. Enumerable.Repeat((ushort)1, 64)];

    [Theory]
    [InlineData(5, 64)]
    [InlineData(60, 20)]
    [InlineData(300, 6)]
    [InlineData(1000, 2)]
    public void Is_Within_One_Level_Of_The_Definition(int amplitude, int nonZero)
    {
        var random = new Random(amplitude);
        var coefficients = new short[64];
        for (int round = 0; round < 2000; round++)
        {
            Array.Clear(coefficients);
            for (int i = 0; i < nonZero; i++)
            {
                coefficients[random.Next(64)] = (short)random.Next(-amplitude, amplitude + 1);
            }

            AssertClose(coefficients, Ones);
        }
    }

    [Theory]
    [InlineData(2047)]
    [InlineData(-2048)]
    public void Saturates_At_Black_And_White(short dc)
    {
        short[] coefficients = new short[64];
        coefficients[0] = dc;
        coefficients[9] = (short)(dc / 2);
        coefficients[63] = (short)-dc;
        AssertClose(coefficients, Ones);
    }

    [Fact]
    public void Never_Fails_On_Extreme_Coefficients()
    {
        var samples = new byte[64];
        foreach (short value in (short[])[short.MinValue, -1, 1, short.MaxValue])
        {
            short[] coefficients = [.. Enumerable.Repeat(value, 64)];
            ushort[] quantization = [.. Enumerable.Repeat(ushort.MaxValue, 64)];
            IntegerDct.Inverse(coefficients, quantization, samples, 8);
        }
    }

    [Fact]
    public void A_Block_With_Dc_Only_Takes_The_Same_Values_On_The_Short_Path()
    {
        var coefficients = new short[64];
        var expected = new byte[64];
        var actual = new byte[64];
        for (int dc = -2100; dc <= 2100; dc++)
        {
            coefficients[0] = (short)dc;
            IntegerDct.Inverse(coefficients, Ones, expected, 8);
            IntegerDct.InverseOfDc(dc, actual, 8);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Writes_Eight_Samples_A_Row_And_Nothing_Else()
    {
        var samples = new byte[(7 * 11) + 8];
        Array.Fill(samples, (byte)77);
        var coefficients = new short[64];
        coefficients[0] = 400;
        coefficients[1] = 50;
        IntegerDct.Inverse(coefficients, Ones, samples, rowStride: 11);
        for (int i = 0; i < samples.Length; i++)
        {
            Assert.Equal(i % 11 >= 8, samples[i] == 77);
        }
    }

    private static void AssertClose(short[] coefficients, ushort[] quantization)
    {
        var samples = new byte[64];
        IntegerDct.Inverse(coefficients, quantization, samples, 8);
        for (int y = 0; y < 8; y++)
        {
            for (int x = 0; x < 8; x++)
            {
                double expected = Math.Clamp(Definition(coefficients, x, y) + 128, 0, 255);
                Assert.InRange(samples[(8 * y) + x], expected - 1, expected + 1);
            }
        }
    }

    private static double Definition(short[] coefficients, int x, int y)
    {
        double sum = 0;
        for (int i = 0; i < 64; i++)
        {
            if (coefficients[i] != 0)
            {
                (int v, int u) = Math.DivRem(i, 8);
                double scale = (u == 0 ? Math.Sqrt(0.5) : 1) * (v == 0 ? Math.Sqrt(0.5) : 1) / 4;
                sum += scale * coefficients[i] * Math.Cos(((2 * x) + 1) * u * Math.PI / 16) * Math.Cos(((2 * y) + 1) * v * Math.PI / 16);
            }
        }

        return sum;
    }
}
