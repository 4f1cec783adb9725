using BinaryAttention.Formats.Images.Jpeg;

namespace BinaryAttention.Formats.Images;

/// <summary>
/// Decodes JPEG pictures (ISO/IEC 10918-1 | ITU-T T.81) with 8 bits per sample and Huffman coding: baseline, extended sequential and progressive, in
/// one or several scans, grey, RGB, YCbCr, CMYK and YCCK. Samples agree with the usual decoders' default settings (accurate integer DCT, triangle chroma filter).
/// </summary>
/// <remarks>
/// Pixels come in stored orientation; an EXIF orientation is not applied. Bytes behind a complete picture are ignored and its end marker may be missing,
/// but missing coefficient data refuses the file: there are no partial pictures.
/// </remarks>
internal static class JpegDecoder
{
    /// <summary>Decodes a picture.</summary>
    /// <param name="encoded">The file.</param>
    /// <param name="sourceName">Name for error messages.</param>
    /// <param name="limits">Size limits.</param>
    /// <returns>The picture as 8-bit RGB.</returns>
    /// <exception cref="FileFormatException">The bytes are damaged, truncated, unsupported or beyond the limits.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> encoded, string sourceName, ImageLimits limits) =>
        new JpegParser(encoded, sourceName, limits).Decode();
}
