using System.IO.Compression;

namespace BinaryAttention.Formats.Images;

/// <summary>
/// Decodes PNG (W3C PNG Specification, third edition): all colour types and bit depths, Adam7, split image data.
/// Alpha and transparency are dropped without blending, gamma and colour profiles are ignored, 16-bit samples become round(v / 257).
/// Strict where damage could pass unseen: chunk CRCs, chunk order, the Adler-32 of the image data and the IEND chunk must be right, and pixel data
/// beyond what the header announces is refused. Lenient where nothing is lost: bytes behind the end of the zlib stream or behind IEND are ignored.
/// Memory: the decoded picture, one copy of the compressed data and a few rows; none of it before the header passed the limits.
/// </summary>
internal static class PngDecoder
{
    // Deflate's best case is 258 bytes from two bits; a file that claims more pixels than that per byte cannot hold them.
    private const long MaxDeflateExpansion = 1032;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static RgbImage Decode(ReadOnlySpan<byte> encoded, string sourceName, ImageLimits limits)
    {
        PngContent content = PngContent.Read(encoded, sourceName, limits);
        PngHeader header = content.Header;
        long rawBytes = header.RawByteCount;
        if (rawBytes > MaxDeflateExpansion * content.CompressedByteCount)
        {
            throw new FileFormatException(
                sourceName,
                $"the header announces {header.Width} x {header.Height} pixels ({rawBytes} bytes), more than {content.CompressedByteCount} bytes of compressed image data can hold.",
                PngContent.HeaderOffset);
        }

        var pixels = new byte[3L * header.Width * header.Height];
        byte[] compressed = content.JoinCompressedData(encoded);
        try
        {
            using var data = new PngDataStream(compressed);
            using var inflater = new ZLibStream(data, CompressionMode.Decompress);
            new PngRowReader(header, content.Palette, inflater, sourceName, content.FirstDataOffset).ReadInto(pixels);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            throw new FileFormatException(sourceName, "the compressed image data is damaged: " + exception.Message, content.FirstDataOffset, exception);
        }

        return new RgbImage(header.Width, header.Height, pixels);
    }
}
