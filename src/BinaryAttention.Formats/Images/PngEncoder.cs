using System.Buffers.Binary;
using System.IO.Compression;

namespace BinaryAttention.Formats.Images;

/// <summary>
/// Writes a picture as PNG: 8-bit RGB, one image data chunk, no interlacing, the filter "none" in every row or the filter "up" where that makes the row's bytes smaller in sum.
/// The same picture gives the same bytes on the same runtime.
/// </summary>
public static class PngEncoder
{
    private const byte NoFilter = 0, UpFilter = 2;
    private const int HeaderBytes = 13, ChunkOverheadBytes = 12;

    /// <summary>Encodes a picture.</summary>
    /// <param name="image">The picture.</param>
    /// <returns>The whole file.</returns>
    public static byte[] Encode(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var file = new MemoryStream();
        file.Write(PngDecoder.Signature);
        Span<byte> header = stackalloc byte[HeaderBytes];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        header[8] = 8; // bits per sample
        header[9] = (byte)PngColourType.Rgb;
        header[10..].Clear(); // deflate, adaptive filters, not interlaced
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, Compress(image));
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static byte[] Compress(RgbImage image)
    {
        int rowBytes = 3 * image.Width;
        using var compressed = new MemoryStream();
        using (var deflater = new ZLibStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            var filtered = new byte[rowBytes];
            ReadOnlySpan<byte> above = new byte[rowBytes];
            for (int y = 0; y < image.Height; y++)
            {
                ReadOnlySpan<byte> row = image.Pixels.AsSpan(y * rowBytes, rowBytes);
                long plain = 0, difference = 0;
                for (int i = 0; i < row.Length; i++)
                {
                    filtered[i] = unchecked((byte)(row[i] - above[i]));

                    // Bytes count by their distance from 0 either way, the specification's rule of thumb for what deflates well.
                    plain += Math.Abs((int)(sbyte)row[i]);
                    difference += Math.Abs((int)(sbyte)filtered[i]);
                }

                bool isUp = difference < plain;
                deflater.WriteByte(isUp ? UpFilter : NoFilter);
                deflater.Write(isUp ? filtered : row);
                above = row;
            }
        }

        return compressed.ToArray();
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        var chunk = new byte[ChunkOverheadBytes + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        type.CopyTo(chunk.AsSpan(4));
        data.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), Crc32.Compute(chunk.AsSpan(4, 4 + data.Length)));
        file.Write(chunk);
    }
}
