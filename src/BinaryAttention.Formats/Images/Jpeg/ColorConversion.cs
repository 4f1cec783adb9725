using System.Runtime.CompilerServices;

namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Turns a row of component samples into RGB. YCbCr follows ITU-T T.871 (JFIF):
/// R = Y + 1.402 (Cr - 128), G = Y - 0.344136 (Cb - 128) - 0.714136 (Cr - 128), B = Y + 1.772 (Cb - 128),
/// with 16 fractional bits and each colour term rounded once, as the usual decoders do it.
/// </summary>
internal static class ColorConversion
{
    private const int FractionBits = 16;
    private const int Half = 1 << (FractionBits - 1);

    // round(65536 * value)
    private const int RedFromCr = 91881;
    private const int GreenFromCb = 22554;
    private const int GreenFromCr = 46802;
    private const int BlueFromCb = 116130;

    /// <summary>
    /// Decides what the components mean. Three: a JFIF marker says YCbCr, else an Adobe marker tells, else the ids 'R', 'G', 'B' say RGB, else YCbCr.
    /// Four: CMYK stored inverted, as Adobe's products write it and other decoders assume; YCCK if an Adobe marker says so.
    /// </summary>
    /// <param name="components">The frame's components: one, three or four.</param>
    /// <param name="hasJfif">Whether a JFIF marker was seen.</param>
    /// <param name="adobeTransform">The Adobe marker's transform, or null.</param>
    public static ColorModel Choose(JpegComponent[] components, bool hasJfif, int? adobeTransform) => components.Length switch
    {
        1 => ColorModel.Grey,
        4 => adobeTransform == 2 ? ColorModel.InvertedYcck : ColorModel.InvertedCmyk,
        _ when hasJfif => ColorModel.YCbCr,
        _ when adobeTransform is int transform => transform == 0 ? ColorModel.Rgb : ColorModel.YCbCr,
        _ when components[0].Id == 'R' && components[1].Id == 'G' && components[2].Id == 'B' => ColorModel.Rgb,
        _ => ColorModel.YCbCr,
    };

    public static void FromGrey(ReadOnlySpan<byte> grey, Span<byte> rgb)
    {
        rgb = rgb[..(3 * grey.Length)];
        for (int x = 0; x < grey.Length; x++)
        {
            byte value = grey[x];
            rgb[(3 * x) + 2] = value;
            rgb[(3 * x) + 1] = value;
            rgb[3 * x] = value;
        }
    }

    public static void FromRgb(ReadOnlySpan<byte> red, ReadOnlySpan<byte> green, ReadOnlySpan<byte> blue, Span<byte> rgb)
    {
        green = green[..red.Length];
        blue = blue[..red.Length];
        rgb = rgb[..(3 * red.Length)];
        for (int x = 0; x < red.Length; x++)
        {
            rgb[(3 * x) + 2] = blue[x];
            rgb[(3 * x) + 1] = green[x];
            rgb[3 * x] = red[x];
        }
    }

    public static void FromYCbCr(ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blueDifference, ReadOnlySpan<byte> redDifference, Span<byte> rgb)
    {
        blueDifference = blueDifference[..luma.Length];
        redDifference = redDifference[..luma.Length];
        rgb = rgb[..(3 * luma.Length)];
        for (int x = 0; x < luma.Length; x++)
        {
            int y = luma[x];
            int cb = blueDifference[x] - 128;
            int cr = redDifference[x] - 128;

            // The highest index first: one range check covers the three.
            rgb[(3 * x) + 2] = Clamp(y + (((BlueFromCb * cb) + Half) >> FractionBits));
            rgb[(3 * x) + 1] = Clamp(y + ((Half - (GreenFromCb * cb) - (GreenFromCr * cr)) >> FractionBits));
            rgb[3 * x] = Clamp(y + (((RedFromCr * cr) + Half) >> FractionBits));
        }
    }

    /// <summary>
    /// Replaces RGB by paper seen through the black ink, rgb * k / 255 rounded, where k is the stored (inverted) black sample and rgb holds the inverted
    /// cyan, magenta and yellow samples, which are the light the inks let through.
    /// </summary>
    public static void ApplyInvertedBlack(ReadOnlySpan<byte> black, Span<byte> rgb)
    {
        rgb = rgb[..(3 * black.Length)];
        for (int x = 0; x < black.Length; x++)
        {
            int k = black[x];
            rgb[(3 * x) + 2] = Scale(rgb[(3 * x) + 2], k);
            rgb[(3 * x) + 1] = Scale(rgb[(3 * x) + 1], k);
            rgb[3 * x] = Scale(rgb[3 * x], k);
        }
    }

    /// <summary>Inverts every value: YCCK codes the stored samples so that the YCbCr equations give their complement.</summary>
    public static void Complement(Span<byte> rgb)
    {
        for (int i = 0; i < rgb.Length; i++)
        {
            rgb[i] = (byte)~rgb[i];
        }
    }

    private static byte Scale(int value, int factor) => (byte)(((value * factor) + 127) / 255);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Clamp(int value) => (byte)((uint)value <= 255 ? value : ~(value >> 31));
}
