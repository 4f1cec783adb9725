using System.Buffers.Binary;

namespace BinaryAttention.Formats.Images;

/// <summary>
/// Walks over the chunks of a PNG file. Every chunk must lie inside the file and have a type of four letters; the CRC of critical chunks must
/// match. Ancillary chunks are not read at all, so damage inside them does not cost the picture.
/// </summary>
internal ref struct PngChunkReader
{
    private readonly ReadOnlySpan<byte> _encoded;
    private readonly string _sourceName;
    private int _position;

    public PngChunkReader(ReadOnlySpan<byte> encoded, int position, string sourceName)
    {
        _encoded = encoded;
        _position = position;
        _sourceName = sourceName;
    }

    public PngChunk Next()
    {
        int available = _encoded.Length - _position;
        if (available < PngChunk.OverheadBytes)
        {
            throw new FileFormatException(_sourceName, $"the file ends before its IEND chunk: {available} bytes are left where a chunk of at least {PngChunk.OverheadBytes} was expected.", _position);
        }

        ReadOnlySpan<byte> remaining = _encoded[_position..];
        uint length = BinaryPrimitives.ReadUInt32BigEndian(remaining);
        if (!IsChunkType(remaining.Slice(4, 4)))
        {
            throw new FileFormatException(_sourceName, "four letters naming a chunk type were expected.", _position + 4);
        }

        uint type = BinaryPrimitives.ReadUInt32BigEndian(remaining[4..]);
        if (length > (uint)(available - PngChunk.OverheadBytes))
        {
            string name = new PngChunk(type, _position, 0).TypeName;
            throw new FileFormatException(_sourceName, $"the {name} chunk announces {length} bytes of data; the file has {available - PngChunk.OverheadBytes} left for them.", _position);
        }

        var chunk = new PngChunk(type, _position, (int)length);
        if (chunk.IsCritical)
        {
            int crcOffset = 8 + chunk.Length;
            uint stored = BinaryPrimitives.ReadUInt32BigEndian(remaining[crcOffset..]);
            uint computed = Crc32.Compute(remaining[4..crcOffset]);
            if (stored != computed)
            {
                throw new FileFormatException(_sourceName, $"the CRC of the {chunk.TypeName} chunk is {stored:X8}; its bytes give {computed:X8}. The file is damaged.", _position + crcOffset);
            }
        }

        _position += PngChunk.OverheadBytes + chunk.Length;
        return chunk;
    }

    private static bool IsChunkType(ReadOnlySpan<byte> type)
    {
        foreach (byte letter in type)
        {
            if (!char.IsAsciiLetter((char)letter))
            {
                return false;
            }
        }

        return true;
    }
}
