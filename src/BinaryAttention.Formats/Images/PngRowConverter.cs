using System.Buffers.Binary;

namespace BinaryAttention.Formats.Images;

/// <summary>
/// Converts one unfiltered row to 8-bit RGB: grey is repeated, alpha skipped, palette entries looked up, 1, 2 and 4-bit grey scaled to 0..255,
/// 16-bit samples rounded to the nearest of the 256 levels v / 257.
/// </summary>
internal static class PngRowConverter
{
    /// <summary>Fills <paramref name="rgb"/> (three bytes a pixel) from the packed samples of as many pixels.</summary>
    /// <returns>-1, or the palette index that lies outside the palette.</returns>
    public static int ToRgb(ReadOnlySpan<byte> samples, PngHeader header, ReadOnlySpan<byte> palette, Span<byte> rgb)
    {
        switch (header.ColourType)
        {
            case PngColourType.Palette:
                return FromPalette(samples, header.BitDepth, palette, rgb);
            case PngColourType.Grey when header.BitDepth < 8:
                FromPackedGrey(samples, header.BitDepth, rgb);
                return -1;
            case PngColourType.Rgb when header.BitDepth == 8:
                samples[..rgb.Length].CopyTo(rgb);
                return -1;
            case PngColourType.Grey or PngColourType.GreyAlpha:
                FromGrey(samples, header, rgb);
                return -1;
            default:
                FromColour(samples, header, rgb);
                return -1;
        }
    }

    /// <summary>round(v / 257) without a division, from 1 / 257 = 255 / 65535; a test compares all 65,536 values.</summary>
    public static byte ToEightBits(int sixteenBits) => (byte)((sixteenBits * 255 + 32895) >> 16);

    private static int FromPalette(ReadOnlySpan<byte> samples, int bitDepth, ReadOnlySpan<byte> palette, Span<byte> rgb)
    {
        int entryCount = palette.Length / 3;
        int pixelCount = rgb.Length / 3;
        for (int i = 0; i < pixelCount; i++)
        {
            int index = bitDepth == 8 ? samples[i] : Unpack(samples, bitDepth, i);
            if (index >= entryCount)
            {
                return index;
            }

            palette.Slice(3 * index, 3).CopyTo(rgb[(3 * i)..]);
        }

        return -1;
    }

    private static void FromPackedGrey(ReadOnlySpan<byte> samples, int bitDepth, Span<byte> rgb)
    {
        int scale = 255 / ((1 << bitDepth) - 1); // 255, 85, 17: exact
        int pixelCount = rgb.Length / 3;
        for (int i = 0; i < pixelCount; i++)
        {
            rgb.Slice(3 * i, 3).Fill((byte)(scale * Unpack(samples, bitDepth, i)));
        }
    }

    private static void FromGrey(ReadOnlySpan<byte> samples, PngHeader header, Span<byte> rgb)
    {
        int sampleBytes = header.BitDepth / 8;
        int pixelBytes = sampleBytes * header.SampleCount;
        int source = 0;
        for (int i = 0; i < rgb.Length; i += 3)
        {
            byte grey = sampleBytes == 1 ? samples[source] : ToEightBits(BinaryPrimitives.ReadUInt16BigEndian(samples[source..]));
            rgb[i] = grey;
            rgb[i + 1] = grey;
            rgb[i + 2] = grey;
            source += pixelBytes;
        }
    }

    private static void FromColour(ReadOnlySpan<byte> samples, PngHeader header, Span<byte> rgb)
    {
        int sampleBytes = header.BitDepth / 8;
        int pixelBytes = sampleBytes * header.SampleCount;
        int source = 0;
        for (int i = 0; i < rgb.Length; i += 3)
        {
            ReadOnlySpan<byte> pixel = samples.Slice(source, pixelBytes);
            for (int channel = 0; channel < 3; channel++)
            {
                rgb[i + channel] = sampleBytes == 1 ? pixel[channel] : ToEightBits(BinaryPrimitives.ReadUInt16BigEndian(pixel[(2 * channel)..]));
            }

            source += pixelBytes;
        }
    }

    // Samples of 1, 2 or 4 bits, the leftmost pixel in the highest bits.
    private static int Unpack(ReadOnlySpan<byte> samples, int bitDepth, int index)
    {
        uint bit = (uint)index * (uint)bitDepth; // unsigned: 4 bits of Array.MaxLength / 3 pixels pass 2^31, not 2^32
        return (samples[(int)(bit >> 3)] >> (8 - bitDepth - (int)(bit & 7))) & ((1 << bitDepth) - 1);
    }
}
