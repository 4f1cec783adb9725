using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// The inverse 8x8 DCT in integers: twelve multiplications a row (Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11
/// multiplications", ICASSP 1989, in the variant with twelve), constants with 13 fractional bits, columns first with two extra bits kept
/// between the passes. Constants, pass order and rounding are those of the accurate integer method that most JPEG software uses by default,
/// so the samples agree with it bit for bit.
/// </summary>
/// <remarks>
/// The unscaled pass yields sqrt(8) times the orthonormal transform; both passes together 8 times, undone by three bits of the last shift.
/// Arithmetic wraps: coefficients far outside what an encoder produces give meaningless samples, never an exception.
/// </remarks>
internal static class IntegerDct
{
    private const int ConstantBits = 13;
    private const int PassBits = 2;
    private const int ColumnShift = ConstantBits - PassBits;
    private const int RowShift = ConstantBits + PassBits + 3;

    // round(8192 * value)
    private const int C0298631336 = 2446;
    private const int C0390180644 = 3196;
    private const int C0541196100 = 4433;
    private const int C0765366865 = 6270;
    private const int C0899976223 = 7373;
    private const int C1175875602 = 9633;
    private const int C1501321110 = 12299;
    private const int C1847759065 = 15137;
    private const int C1961570560 = 16069;
    private const int C2053119869 = 16819;
    private const int C2562915447 = 20995;
    private const int C3072711026 = 25172;

    /// <summary>Dequantizes and transforms a block and writes its 64 samples, shifted by 128 and clamped to 0..255.</summary>
    /// <param name="coefficients">64 quantized coefficients in natural order.</param>
    /// <param name="quantization">64 step sizes in natural order.</param>
    /// <param name="samples">Receives rows of eight samples.</param>
    /// <param name="rowStride">Distance of two rows in <paramref name="samples"/>.</param>
    [SkipLocalsInit]
    public static void Inverse(ReadOnlySpan<short> coefficients, ReadOnlySpan<ushort> quantization, Span<byte> samples, int rowStride)
    {
        Span<int> workspace = stackalloc int[64];
        for (int i = 0; i < 64; i++)
        {
            workspace[i] = coefficients[i] * quantization[i];
        }

        for (int column = 0; column < 8; column++)
        {
            Transform(ref workspace[column], step: 8, ColumnShift);
        }

        for (int row = 0; row < 8; row++)
        {
            ref int first = ref workspace[row * 8];
            Transform(ref first, step: 1, RowShift);

            // Saturating to -128..127 and flipping the sign bit is adding 128 and clamping to 0..255.
            Vector128<short> words = Vector128.NarrowWithSaturation(Vector128.LoadUnsafe(ref first), Vector128.LoadUnsafe(ref first, 4));
            Vector128<byte> bytes = Vector128.NarrowWithSaturation(words, words).AsByte() ^ Vector128.Create((byte)0x80);
            MemoryMarshal.Write(samples.Slice(row * rowStride, 8), bytes.AsUInt64().ToScalar());
        }
    }

    /// <summary>Writes the 64 equal samples of a block whose AC coefficients are all zero: what <see cref="Inverse"/> would write.</summary>
    public static void InverseOfDc(int dequantized, Span<byte> samples, int rowStride)
    {
        // The column pass is exact here, the row pass rounds once.
        int value = ((dequantized << PassBits) + (1 << (PassBits + 2))) >> (PassBits + 3);
        var sample = (byte)Math.Clamp(value + 128, 0, 255);
        for (int row = 0; row < 8; row++)
        {
            samples.Slice(row * rowStride, 8).Fill(sample);
        }
    }

    /// <summary>The one-dimensional transform of eight values in place, shifted right with rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transform(ref int first, int step, int shift)
    {
        ref int v1 = ref Unsafe.Add(ref first, step);
        ref int v2 = ref Unsafe.Add(ref first, 2 * step);
        ref int v3 = ref Unsafe.Add(ref first, 3 * step);
        ref int v4 = ref Unsafe.Add(ref first, 4 * step);
        ref int v5 = ref Unsafe.Add(ref first, 5 * step);
        ref int v6 = ref Unsafe.Add(ref first, 6 * step);
        ref int v7 = ref Unsafe.Add(ref first, 7 * step);
        int rounding = 1 << (shift - 1);

        if ((v1 | v2 | v3 | v4 | v5 | v6 | v7) == 0)
        {
            // Most columns of smooth blocks; the general path yields the same.
            int constant = ((first << ConstantBits) + rounding) >> shift;
            first = v1 = v2 = v3 = v4 = v5 = v6 = v7 = constant;
            return;
        }

        // Even part: coefficients 0, 2, 4, 6. One rotation turns 2 and 6.
        int rotation = (v2 + v6) * C0541196100;
        int even2 = rotation - (v6 * C1847759065);
        int even3 = rotation + (v2 * C0765366865);
        int sum04 = (first + v4) << ConstantBits;
        int difference04 = (first - v4) << ConstantBits;
        int outer = sum04 + even3 + rounding;
        int inner = difference04 + even2 + rounding;
        int innerMirror = difference04 - even2 + rounding;
        int outerMirror = sum04 - even3 + rounding;

        // Odd part: coefficients 1, 3, 5, 7.
        int cross = (v1 + v3 + v5 + v7) * C1175875602;
        int pair17 = (v1 + v7) * -C0899976223;
        int pair35 = (v3 + v5) * -C2562915447;
        int pair37 = ((v3 + v7) * -C1961570560) + cross;
        int pair15 = ((v1 + v5) * -C0390180644) + cross;
        int odd0 = (v1 * C1501321110) + pair17 + pair15;
        int odd1 = (v3 * C3072711026) + pair35 + pair37;
        int odd2 = (v5 * C2053119869) + pair35 + pair15;
        int odd3 = (v7 * C0298631336) + pair17 + pair37;

        first = (outer + odd0) >> shift;
        v7 = (outer - odd0) >> shift;
        v1 = (inner + odd1) >> shift;
        v6 = (inner - odd1) >> shift;
        v2 = (innerMirror + odd2) >> shift;
        v5 = (innerMirror - odd2) >> shift;
        v3 = (outerMirror + odd3) >> shift;
        v4 = (outerMirror - odd3) >> shift;
    }
}
