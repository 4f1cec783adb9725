using System.Buffers.Binary;

namespace BinaryAttention.Formats.Images;

/// <summary>The IHDR chunk, checked against the format's rules and the caller's limits. Size arithmetic is in 64 bits: 2^31 pixels of 64 bits a row fit.</summary>
internal readonly record struct PngHeader(int Width, int Height, int BitDepth, PngColourType ColourType, bool IsInterlaced)
{
    public const int ByteCount = 13;

    /// <summary>Samples per pixel as stored, alpha included.</summary>
    public int SampleCount => ColourType switch
    {
        PngColourType.Grey or PngColourType.Palette => 1,
        PngColourType.GreyAlpha => 2,
        PngColourType.Rgb => 3,
        _ => 4,
    };

    /// <summary>Distance in bytes to the sample the row filters call "left": one pixel, at least one byte.</summary>
    public int FilterStepBytes => Math.Max(1, SampleCount * BitDepth / 8);

    /// <summary>Bytes the image data inflates to: a filter byte and the packed samples of every row of every pass.</summary>
    public long RawByteCount
    {
        get
        {
            if (!IsInterlaced)
            {
                return Height * (1 + RowByteCount(Width));
            }

            long total = 0;
            foreach (PngPass pass in PngPass.Adam7)
            {
                int passWidth = pass.WidthOf(Width);
                total += passWidth == 0 ? 0 : pass.HeightOf(Height) * (1 + RowByteCount(passWidth));
            }

            return total;
        }
    }

    /// <summary>Bytes of one row of <paramref name="width"/> pixels without its filter byte.</summary>
    public long RowByteCount(int width) => ((long)width * SampleCount * BitDepth + 7) / 8;

    public static PngHeader Parse(ReadOnlySpan<byte> data, string sourceName, long offset, ImageLimits limits)
    {
        if (data.Length != ByteCount)
        {
            throw new FileFormatException(sourceName, $"the IHDR chunk has {data.Length} bytes; it must have {ByteCount}.", offset);
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(data);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        if (width == 0 || height == 0)
        {
            throw new FileFormatException(sourceName, $"the picture is {width} x {height} pixels; both sides must be at least 1.", offset);
        }

        if (width > limits.MaxSide || height > limits.MaxSide)
        {
            throw new FileFormatException(sourceName, $"the picture is {width} x {height} pixels; at most {limits.MaxSide} a side are decoded. Raise ImageLimits.MaxSide to read it.", offset);
        }

        long pixelCount = (long)width * height;
        if (pixelCount > limits.MaxPixels || pixelCount > Array.MaxLength / 3)
        {
            throw new FileFormatException(
                sourceName,
                $"the picture has {pixelCount} pixels; at most {Math.Min(limits.MaxPixels, Array.MaxLength / 3)} are decoded. ImageLimits.MaxPixels sets the limit.",
                offset);
        }

        int bitDepth = data[8];
        int colourType = data[9];
        if (!IsAllowed(colourType, bitDepth))
        {
            throw new FileFormatException(sourceName, $"colour type {colourType} with bit depth {bitDepth} is not defined for PNG.", offset + 8);
        }

        if (data[10] != 0)
        {
            throw new FileFormatException(sourceName, $"compression method {data[10]} is unknown; only 0 (deflate) is defined.", offset + 10);
        }

        if (data[11] != 0)
        {
            throw new FileFormatException(sourceName, $"filter method {data[11]} is unknown; only 0 is defined.", offset + 11);
        }

        if (data[12] > 1)
        {
            throw new FileFormatException(sourceName, $"interlace method {data[12]} is unknown; 0 (none) and 1 (Adam7) are defined.", offset + 12);
        }

        var header = new PngHeader((int)width, (int)height, bitDepth, (PngColourType)colourType, data[12] == 1);
        if (header.RowByteCount(header.Width) >= Array.MaxLength)
        {
            throw new FileFormatException(sourceName, $"a row of {width} pixels takes {header.RowByteCount(header.Width)} bytes; rows of {Array.MaxLength} bytes and more are not decoded.", offset);
        }

        return header;
    }

    private static bool IsAllowed(int colourType, int bitDepth) => (PngColourType)colourType switch
    {
        PngColourType.Grey => bitDepth is 1 or 2 or 4 or 8 or 16,
        PngColourType.Palette => bitDepth is 1 or 2 or 4 or 8,
        PngColourType.Rgb or PngColourType.GreyAlpha or PngColourType.Rgba => bitDepth is 8 or 16,
        _ => false,
    };
}
