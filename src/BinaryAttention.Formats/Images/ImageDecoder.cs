namespace BinaryAttention.Formats.Images;

/// <summary>Decodes PNG and JPEG pictures, told apart by their first bytes and never by the file name.</summary>
public static class ImageDecoder
{
    /// <summary>Reads and decodes a picture file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">Size limits; <see cref="ImageLimits.Default"/> if null.</param>
    /// <returns>The picture as 8-bit RGB; alpha is dropped, grey is repeated over the three channels.</returns>
    /// <exception cref="FileFormatException">The file is damaged, truncated, unsupported or beyond the limits.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or the path names a directory.</exception>
    public static RgbImage DecodeFile(string path, ImageLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        limits ??= ImageLimits.Default;
        using FileStream stream = File.OpenRead(path);
        if (stream.Length > limits.MaxFileBytes)
        {
            throw new FileFormatException(path, $"the file has {stream.Length} bytes; at most {limits.MaxFileBytes} are read. Raise ImageLimits.MaxFileBytes to read it.");
        }

        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return Decode(bytes, path, limits);
    }

    /// <summary>Decodes an encoded picture held in memory.</summary>
    /// <param name="encoded">The bytes of a PNG or JPEG file.</param>
    /// <param name="sourceName">Name for error messages.</param>
    /// <param name="limits">Size limits; <see cref="ImageLimits.Default"/> if null.</param>
    /// <returns>The picture as 8-bit RGB; alpha is dropped, grey is repeated over the three channels.</returns>
    /// <exception cref="FileFormatException">The bytes are damaged, truncated, unsupported or beyond the limits.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> encoded, string sourceName = "image", ImageLimits? limits = null)
    {
        limits ??= ImageLimits.Default;
        if (encoded.StartsWith(PngDecoder.Signature))
        {
            return PngDecoder.Decode(encoded, sourceName, limits);
        }

        if (encoded.Length >= 2 && encoded[0] == 0xFF && encoded[1] == 0xD8)
        {
            return JpegDecoder.Decode(encoded, sourceName, limits);
        }

        throw new FileFormatException(sourceName, encoded.IsEmpty ? "the file is empty." : "neither a PNG nor a JPEG signature was found. Only PNG and JPEG pictures are read.", 0);
    }
}
