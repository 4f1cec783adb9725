namespace BinaryAttention.Formats.Images;

internal static class PngDecoder
{
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static RgbImage Decode(ReadOnlySpan<byte> encoded, string sourceName, ImageLimits limits) =>
        throw new FileFormatException(sourceName, "this format is not decoded yet.");
}
