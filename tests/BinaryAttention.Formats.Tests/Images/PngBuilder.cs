using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>
/// Writes PNG files chunk by chunk, right or wrong as a test needs them. Independent of the decoder: its own bitwise CRC, its own filters.
/// </summary>
internal sealed class PngBuilder
{
    private readonly List<byte> _bytes = [];

    public PngBuilder(bool withSignature = true)
    {
        if (withSignature)
        {
            _bytes.AddRange([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        }
    }

    public byte[] ToArray() => [.. _bytes];

    public PngBuilder Chunk(string type, ReadOnlySpan<byte> data, bool damageCrc = false)
    {
        var body = new byte[4 + data.Length];
        Encoding.ASCII.GetBytes(type, body);
        data.CopyTo(body.AsSpan(4));
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        _bytes.AddRange(number);
        _bytes.AddRange(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body) ^ (damageCrc ? 1u : 0u));
        _bytes.AddRange(number);
        return this;
    }

    public PngBuilder Header(uint width, uint height, int bitDepth = 8, int colourType = 2, int compression = 0, int filter = 0, int interlace = 0) =>
        Chunk("IHDR", HeaderData(width, height, bitDepth, colourType, compression, filter, interlace));

    public PngBuilder Palette(int entryCount) => Chunk("PLTE", [.. Enumerable.Range(0, 3 * entryCount).Select(static i => (byte)(i * 7 + 13))]);

    public PngBuilder Data(ReadOnlySpan<byte> raw) => Chunk("IDAT", Deflate(raw));

    public PngBuilder End() => Chunk("IEND", []);

    /// <summary>Raw bytes, no chunk.</summary>
    public PngBuilder Bytes(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public static byte[] HeaderData(uint width, uint height, int bitDepth, int colourType, int compression = 0, int filter = 0, int interlace = 0)
    {
        var data = new byte[13];
        BinaryPrimitives.WriteUInt32BigEndian(data, width);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(4), height);
        data[8] = (byte)bitDepth;
        data[9] = (byte)colourType;
        data[10] = (byte)compression;
        data[11] = (byte)filter;
        data[12] = (byte)interlace;
        return data;
    }

    public static byte[] Deflate(ReadOnlySpan<byte> raw)
    {
        using var memory = new MemoryStream();
        using (var deflater = new ZLibStream(memory, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflater.Write(raw);
        }

        return memory.ToArray();
    }

    /// <summary>CRC-32 bit by bit, as the specification describes it.</summary>
    public static uint Crc(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
            }
        }

        return ~crc;
    }

    public static RgbImage Decode(ReadOnlySpan<byte> encoded, ImageLimits? limits = null) => PngDecoder.Decode(encoded, "test.png", limits ?? ImageLimits.Default);
}
