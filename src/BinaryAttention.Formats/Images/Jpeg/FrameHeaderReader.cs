using System.Buffers.Binary;

namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>Reads and checks a frame header (SOF0, SOF1, SOF2; ISO/IEC 10918-1, B.2.2). Allocates nothing that grows with the claimed size.</summary>
internal static class FrameHeaderReader
{
    /// <summary>Reads a frame header.</summary>
    /// <param name="content">The segment without marker and length.</param>
    /// <param name="isProgressive">Whether the marker was SOF2.</param>
    /// <param name="sourceName">Name for error messages.</param>
    /// <param name="limits">Size limits.</param>
    /// <param name="offset">Offset of <paramref name="content"/> in the file.</param>
    public static JpegFrame Read(ReadOnlySpan<byte> content, bool isProgressive, string sourceName, ImageLimits limits, int offset)
    {
        FileFormatException Fail(string problem, int at) => new(sourceName, problem, offset + at);

        if (content.Length < 6 || content.Length != 6 + (3 * content[5]))
        {
            throw Fail($"frame header has {content.Length} bytes; 6 and 3 per component are due.", 0);
        }

        int precision = content[0];
        int height = BinaryPrimitives.ReadUInt16BigEndian(content[1..]);
        int width = BinaryPrimitives.ReadUInt16BigEndian(content[3..]);
        int componentCount = content[5];
        if (precision != 8)
        {
            throw Fail($"samples have {precision} bits; only 8-bit JPEG is read. Convert the picture to 8 bits per sample.", 0);
        }

        if (width == 0 || height == 0)
        {
            throw Fail($"the picture is {width} x {height}; both sides must be at least 1 (a height given after the scan is not supported).", 1);
        }

        if (width > limits.MaxSide || height > limits.MaxSide || (long)width * height > limits.MaxPixels)
        {
            throw Fail($"the picture is {width} x {height}; at most {limits.MaxSide} a side and {limits.MaxPixels} pixels are read. Raise ImageLimits to read it.", 1);
        }

        if (componentCount is not (1 or 3 or 4))
        {
            throw Fail($"the picture has {componentCount} components; 1 (grey), 3 (colour) or 4 (CMYK) are read.", 5);
        }

        var components = new JpegComponent[componentCount];
        for (int i = 0; i < componentCount; i++)
        {
            int at = 6 + (3 * i);
            byte id = content[at];
            int horizontal = content[at + 1] >> 4;
            int vertical = content[at + 1] & 15;
            int quantizationIndex = content[at + 2];
            if (horizontal is < 1 or > 4 || vertical is < 1 or > 4)
            {
                throw Fail($"component {id} has sampling factors {horizontal} x {vertical}; 1..4 are defined.", at + 1);
            }

            if (quantizationIndex > 3)
            {
                throw Fail($"component {id} names quantization table {quantizationIndex}; 0..3 are defined.", at + 2);
            }

            if (Array.Exists(components, other => other?.Id == id))
            {
                throw Fail($"component id {id} occurs twice.", at);
            }

            // Sampling factors are relative; alone they mean nothing, and MCUs are single blocks.
            components[i] = componentCount == 1 ? new(id, 1, 1, quantizationIndex) : new(id, horizontal, vertical, quantizationIndex);
        }

        var frame = new JpegFrame(width, height, isProgressive, components);
        if (3L * width * height > Array.MaxLength || 64 * frame.BlockCount > Array.MaxLength)
        {
            throw Fail($"the picture is {width} x {height}; one array cannot hold its pixels or coefficients.", 1);
        }

        return frame;
    }
}
