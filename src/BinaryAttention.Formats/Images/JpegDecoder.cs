namespace BinaryAttention.Formats.Images;

internal static class JpegDecoder
{

    public static RgbImage Decode(ReadOnlySpan<byte> encoded, string sourceName, ImageLimits limits) =>
        throw new FileFormatException(sourceName, "this format is not decoded yet.");
}
