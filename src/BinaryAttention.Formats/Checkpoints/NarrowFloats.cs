using System.Buffers.Binary;
using System.Numerics;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Floats of 8 and 16 bits to and from float32. Widening is exact, subnormals included; a NaN stays a NaN with its sign and payload.
/// Narrowing rounds to nearest, ties to even; values beyond the range become infinities.
/// binary16 to binary32: put exponent and mantissa at their place, (h &amp; 0x7FFF) &lt;&lt; 13, and multiply by 2^(127-15): the product renormalises
/// subnormals by itself. Exponent 31 (infinity, NaN) is set to 255 instead.
/// </summary>
internal static class NarrowFloats
{
    private const uint HalfMagnitudeMask = 0x7FFF;
    private const uint HalfSignMask = 0x8000;
    private const uint ShiftedHalfInfinity = 0x7C00u << 13;
    private const uint SingleExponentMask = 0x7F80_0000;

    // 2^112: exponent field 127 + 112.
    private static readonly float HalfRebias = BitConverter.UInt32BitsToSingle((127u + 112u) << 23);

    /// <summary>The 256 values of float8 E4M3 (fn): (1 + m/8) 2^(e-7), m 2^-9 for e = 0, NaN for e = 15 with m = 7, no infinities.</summary>
    public static float[] E4M3Values { get; } = BuildE4M3();

    /// <summary>The 256 values of float8 E5M2, each the float16 with this upper byte and a lower byte of zero.</summary>
    public static float[] E5M2Values { get; } = [.. Enumerable.Range(0, 256).Select(code => HalfToSingle((ushort)(code << 8)))];

    /// <summary>One binary16 value, by the same steps as the vector loop.</summary>
    public static float HalfToSingle(ushort half)
    {
        uint magnitude = (half & HalfMagnitudeMask) << 13;
        uint widened = magnitude >= ShiftedHalfInfinity
            ? magnitude | SingleExponentMask
            : BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(magnitude) * HalfRebias);
        return BitConverter.UInt32BitsToSingle(widened | ((half & HalfSignMask) << 16));
    }

    /// <summary>binary16 to float32, Vector&lt;ushort&gt;.Count elements a step, the rest one by one.</summary>
    public static void HalvesToSingles(ReadOnlySpan<byte> source, Span<float> destination)
    {
        int i = 0;
        if (BitConverter.IsLittleEndian && Vector.IsHardwareAccelerated)
        {
            for (; i <= destination.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
            {
                Vector.Widen(new Vector<ushort>(source[(i * 2)..]), out Vector<uint> lower, out Vector<uint> upper);
                WidenHalves(lower).CopyTo(destination[i..]);
                WidenHalves(upper).CopyTo(destination[(i + Vector<uint>.Count)..]);
            }
        }

        for (; i < destination.Length; i++)
        {
            destination[i] = HalfToSingle(BinaryPrimitives.ReadUInt16LittleEndian(source[(i * 2)..]));
        }
    }

    /// <summary>bfloat16 to float32: the bits move to the upper half, nothing else.</summary>
    public static void BrainFloatsToSingles(ReadOnlySpan<byte> source, Span<float> destination)
    {
        int i = 0;
        if (BitConverter.IsLittleEndian && Vector.IsHardwareAccelerated)
        {
            for (; i <= destination.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
            {
                Vector.Widen(new Vector<ushort>(source[(i * 2)..]), out Vector<uint> lower, out Vector<uint> upper);
                Vector.AsVectorSingle(lower << 16).CopyTo(destination[i..]);
                Vector.AsVectorSingle(upper << 16).CopyTo(destination[(i + Vector<uint>.Count)..]);
            }
        }

        for (; i < destination.Length; i++)
        {
            destination[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(source[(i * 2)..]) << 16);
        }
    }

    /// <summary>float32 to little-endian binary16, nearest, ties to even.</summary>
    public static void SinglesToHalves(ReadOnlySpan<float> source, Span<byte> destination)
    {
        for (int i = 0; i < source.Length; i++)
        {
            BinaryPrimitives.WriteHalfLittleEndian(destination[(i * 2)..], (Half)source[i]);
        }
    }

    /// <summary>float32 to little-endian bfloat16, nearest, ties to even.</summary>
    public static void SinglesToBrainFloats(ReadOnlySpan<float> source, Span<byte> destination)
    {
        for (int i = 0; i < source.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(destination[(i * 2)..], SingleToBrainFloat(source[i]));
        }
    }

    private static ushort SingleToBrainFloat(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
        {
            // Setting the quiet bit keeps a NaN whose payload lies in the lower half from turning into an infinity.
            return (ushort)((bits >> 16) | 0x0040);
        }

        // Half of the last kept place, less one, plus the last kept bit: ties go to even. A carry walks into the exponent, up to infinity;
        // no overflow, for bits is at most 0xFF800000.
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    // Lane by lane the same as HalfToSingle. The product also runs on lanes with exponent 31, whose bits are ordinary numbers here; it is not used.
    private static Vector<float> WidenHalves(Vector<uint> halves)
    {
        Vector<uint> magnitude = (halves & new Vector<uint>(HalfMagnitudeMask)) << 13;
        Vector<uint> sign = (halves & new Vector<uint>(HalfSignMask)) << 16;
        Vector<uint> finite = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) * HalfRebias);
        Vector<uint> special = magnitude | new Vector<uint>(SingleExponentMask);
        Vector<uint> isFinite = Vector.LessThan(magnitude, new Vector<uint>(ShiftedHalfInfinity));
        return Vector.AsVectorSingle(Vector.ConditionalSelect(isFinite, finite, special) | sign);
    }

    private static float[] BuildE4M3()
    {
        var values = new float[256];
        for (int code = 0; code < 128; code++)
        {
            int exponent = code >> 3;
            int mantissa = code & 7;
            float magnitude = code == 0x7F ? float.NaN
                : exponent == 0 ? MathF.ScaleB(mantissa, -9)
                : MathF.ScaleB(8 + mantissa, exponent - 10);
            values[code] = magnitude;
            values[code + 128] = -magnitude;
        }

        return values;
    }
}
