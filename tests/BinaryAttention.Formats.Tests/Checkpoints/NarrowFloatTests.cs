using System.Buffers.Binary;
using BinaryAttention.Formats.Checkpoints;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

/// <summary>Every value of the narrow floats against its definition by sign, exponent and mantissa, computed in double precision.</summary>
public sealed class NarrowFloatTests
{
    private static byte[] AllSixteenBitCodes
    {
        get
        {
            var bytes = new byte[65_536 * 2];
            for (int code = 0; code < 65_536; code++)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(code * 2), (ushort)code);
            }

            return bytes;
        }
    }

    [Fact]
    public void Float16_All65536_MatchDefinition()
    {
        float[] values = Read(AllSixteenBitCodes, TensorElementType.Float16);
        for (int code = 0; code < 65_536; code++)
        {
            AssertSame(Define(code, exponentBits: 5, mantissaBits: 10, bias: 15, hasInfinities: true), values[code], code);
            AssertSame((float)BitConverter.UInt16BitsToHalf((ushort)code), values[code], code);
        }
    }

    [Fact]
    public void BFloat16_All65536_MatchDefinition()
    {
        float[] values = Read(AllSixteenBitCodes, TensorElementType.BFloat16);
        for (int code = 0; code < 65_536; code++)
        {
            AssertSame(Define(code, exponentBits: 8, mantissaBits: 7, bias: 127, hasInfinities: true), values[code], code);
            Assert.Equal((uint)code << 16, BitConverter.SingleToUInt32Bits(values[code]));
        }
    }

    [Fact]
    public void Float8_All256_MatchDefinition()
    {
        byte[] codes = [.. Enumerable.Range(0, 256).Select(code => (byte)code)];
        float[] e4m3 = Read(codes, TensorElementType.Float8E4M3);
        float[] e5m2 = Read(codes, TensorElementType.Float8E5M2);
        for (int code = 0; code < 256; code++)
        {
            AssertSame(Define(code, exponentBits: 4, mantissaBits: 3, bias: 7, hasInfinities: false), e4m3[code], code);
            AssertSame(Define(code, exponentBits: 5, mantissaBits: 2, bias: 15, hasInfinities: true), e5m2[code], code);
        }

        // Landmarks, independent of the definition above.
        Assert.Equal(448f, e4m3[0x7E]);
        Assert.Equal(1f / 512f, e4m3[0x01]);
        Assert.True(float.IsNaN(e4m3[0x7F]) && float.IsNaN(e4m3[0xFF]));
        Assert.Equal(2, e4m3.Count(float.IsNaN));
        Assert.Equal(57_344f, e5m2[0x7B]);
        Assert.Equal(float.NegativeInfinity, e5m2[0xFC]);
        Assert.Equal(6, e5m2.Count(float.IsNaN));
    }

    [Fact]
    public void NaN_KeepsSignAndPayload_InVectorAndTail()
    {
        ushort[] halves = [0x7C01, 0xFC01, 0x7E00, 0xFFFF];
        foreach (ushort half in halves)
        {
            uint expected = ((half & 0x8000u) << 16) | 0x7F80_0000 | ((half & 0x03FFu) << 13);
            var bytes = new byte[2 * 67];
            for (int i = 0; i < 67; i++)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(i * 2), half);
            }

            Assert.All(Read(bytes, TensorElementType.Float16), value => Assert.Equal(expected, BitConverter.SingleToUInt32Bits(value)));
        }
    }

    [Fact]
    public void Vector_And_Tail_Agree_AtEveryLengthAndOffset()
    {
        byte[] codes = AllSixteenBitCodes;
        foreach (TensorElementType type in new[] { TensorElementType.Float16, TensorElementType.BFloat16 })
        {
            for (int length = 0; length <= 70; length++)
            {
                int offset = 15_001 * (length % 7); // odd offsets: elements that straddle their alignment
                byte[] bytes = codes.AsSpan(offset, length * 2).ToArray();
                float[] together = Read(bytes, type);
                for (int i = 0; i < length; i++)
                {
                    AssertSame(Read(bytes[(i * 2)..((i * 2) + 2)], type)[0], together[i], i);
                }
            }
        }
    }

    [Fact]
    public void Narrowing_ReturnsEveryRepresentableValue()
    {
        foreach (TensorElementType type in new[] { TensorElementType.Float16, TensorElementType.BFloat16 })
        {
            byte[] codes = AllSixteenBitCodes;
            float[] values = Read(codes, type);
            byte[] back = TensorToWrite.FromSingles("x", [65_536], values, type).Bytes.ToArray();
            for (int code = 0; code < 65_536; code++)
            {
                if (!float.IsNaN(values[code]))
                {
                    Assert.Equal(code, BinaryPrimitives.ReadUInt16LittleEndian(back.AsSpan(code * 2)));
                }
                else
                {
                    Assert.True(float.IsNaN(Read(back[(code * 2)..((code * 2) + 2)], type)[0]));
                }
            }
        }
    }

    [Theory]
    [InlineData(TensorElementType.Float16, 0x7BFF)]
    [InlineData(TensorElementType.BFloat16, 0x7F7F)]
    public void Narrowing_RoundsToNearest_TiesToEven(TensorElementType type, int largestFinite)
    {
        // Between each pair of neighbours: the midpoint goes to the even code, one step of float32 (or less) beside it to the nearer one.
        for (int code = 0; code < largestFinite; code++)
        {
            float lower = ReadCode(code, type);
            float upper = ReadCode(code + 1, type);
            float middle = (float)(((double)lower + upper) / 2);
            Assert.Equal((code & 1) == 0 ? code : code + 1, NarrowToCode(middle, type));
            Assert.Equal(code, NarrowToCode(MathF.BitDecrement(middle), type));
            Assert.Equal(code + 1, NarrowToCode(MathF.BitIncrement(middle), type));
            Assert.Equal((code + 1) | 0x8000, NarrowToCode(-MathF.BitIncrement(middle), type));
        }
    }

    [Fact]
    public void Narrowing_BeyondTheRange_BecomesInfinity()
    {
        Assert.Equal(0x7BFF, NarrowToCode(65_519.996f, TensorElementType.Float16));
        Assert.Equal(0x7C00, NarrowToCode(65_520f, TensorElementType.Float16));
        Assert.Equal(0xFC00, NarrowToCode(float.NegativeInfinity, TensorElementType.Float16));
        Assert.Equal(0x7F80, NarrowToCode(float.MaxValue, TensorElementType.BFloat16));
        Assert.Equal(0xFF80, NarrowToCode(float.MinValue, TensorElementType.BFloat16));

        // A NaN whose payload lies only in the bits that are dropped must not become an infinity.
        Assert.Equal(0x7FC0, NarrowToCode(BitConverter.UInt32BitsToSingle(0x7F80_0001), TensorElementType.BFloat16));
        Assert.Equal(0xFFFF, NarrowToCode(BitConverter.UInt32BitsToSingle(0xFFFF_FFFF), TensorElementType.BFloat16));
    }

    private static float Define(int code, int exponentBits, int mantissaBits, int bias, bool hasInfinities)
    {
        int mantissa = code & ((1 << mantissaBits) - 1);
        int topExponent = (1 << exponentBits) - 1;
        int exponent = (code >> mantissaBits) & topExponent;
        double sign = (code >> (mantissaBits + exponentBits)) == 0 ? 1 : -1;
        if (exponent == topExponent && hasInfinities)
        {
            return (float)(mantissa == 0 ? sign * double.PositiveInfinity : double.NaN);
        }

        if (exponent == topExponent && mantissa == (1 << mantissaBits) - 1)
        {
            return float.NaN;
        }

        double significand = mantissa / (double)(1 << mantissaBits);
        return (float)(exponent == 0 ? sign * significand * Math.Pow(2, 1 - bias) : sign * (1 + significand) * Math.Pow(2, exponent - bias));
    }

    private static float[] Read(byte[] bytes, TensorElementType type)
    {
        var values = new float[bytes.Length / ElementTypeNames.SizeOf(type)];
        ElementConversion.ToSingles(type, bytes, values);
        return values;
    }

    private static float ReadCode(int code, TensorElementType type) => Read([(byte)code, (byte)(code >> 8)], type)[0];

    private static int NarrowToCode(float value, TensorElementType type) =>
        BinaryPrimitives.ReadUInt16LittleEndian(TensorToWrite.FromSingles("x", [], new[] { value }, type).Bytes.Span);

    private static void AssertSame(float expected, float actual, int code)
    {
        bool isSame = float.IsNaN(expected) ? float.IsNaN(actual) : BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(actual);
        Assert.True(isSame, $"code 0x{code:X4}: expected {expected:R}, got {actual:R}");
    }
}
