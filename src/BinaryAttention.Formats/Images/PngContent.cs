namespace BinaryAttention.Formats.Images;

/// <summary>
/// What the chunks of a PNG file say: header, palette and where the pieces of compressed image data lie. Reading enforces the chunk order
/// (IHDR first, PLTE before IDAT, IDAT in one run, IEND last) and refuses unknown critical chunks; ancillary chunks are skipped unread.
/// </summary>
internal sealed class PngContent
{
    /// <summary>Offset of the IHDR data: signature, chunk length and chunk type precede it.</summary>
    public const int HeaderOffset = 16;

    // A palette may be longer than the bit depth can address (encoders write 256 entries for 4-bit pictures): such entries are unreachable and harmless.
    private const int MaxPaletteEntries = 256;

    private readonly List<(int Offset, int Length)> _pieces = [];

    private PngContent(PngHeader header) => Header = header;

    public PngHeader Header { get; }

    /// <summary>Red, green and blue of every palette entry; empty for pictures without a palette.</summary>
    public byte[] Palette { get; private set; } = [];

    /// <summary>Sum of the lengths of the IDAT chunks.</summary>
    public long CompressedByteCount { get; private set; }

    /// <summary>Offset of the first byte of compressed image data, for error messages.</summary>
    public long FirstDataOffset => _pieces.Count == 0 ? -1 : _pieces[0].Offset;

    public static PngContent Read(ReadOnlySpan<byte> encoded, string sourceName, ImageLimits limits)
    {
        if (!encoded.StartsWith(PngDecoder.Signature))
        {
            throw new FileFormatException(sourceName, encoded.IsEmpty ? "the file is empty." : "the PNG signature is missing or damaged.", 0);
        }

        var reader = new PngChunkReader(encoded, PngDecoder.Signature.Length, sourceName);
        PngChunk chunk = reader.Next();
        if (chunk.Type != PngChunk.Ihdr)
        {
            throw new FileFormatException(sourceName, $"the first chunk is {chunk.TypeName}; it must be IHDR.", chunk.Offset);
        }

        var content = new PngContent(PngHeader.Parse(encoded.Slice(chunk.DataOffset, chunk.Length), sourceName, chunk.DataOffset, limits));
        uint previous = chunk.Type;
        while ((chunk = reader.Next()).Type != PngChunk.Iend)
        {
            content.Accept(chunk, previous, encoded, sourceName);
            previous = chunk.Type;
        }

        if (chunk.Length != 0)
        {
            throw new FileFormatException(sourceName, $"the IEND chunk has {chunk.Length} bytes; it must be empty.", chunk.Offset);
        }

        if (content._pieces.Count == 0)
        {
            throw new FileFormatException(sourceName, "there is no image data (IDAT chunk) before IEND.", chunk.Offset);
        }

        return content;
    }

    /// <summary>Copies the image data into one array: the zlib stream runs across chunk borders.</summary>
    public byte[] JoinCompressedData(ReadOnlySpan<byte> encoded)
    {
        var joined = new byte[CompressedByteCount];
        int position = 0;
        foreach ((int offset, int length) in _pieces)
        {
            encoded.Slice(offset, length).CopyTo(joined.AsSpan(position));
            position += length;
        }

        return joined;
    }

    private void Accept(PngChunk chunk, uint previous, ReadOnlySpan<byte> encoded, string sourceName)
    {
        switch (chunk.Type)
        {
            case PngChunk.Idat:
                AcceptImageData(chunk, previous, sourceName);
                break;
            case PngChunk.Plte:
                AcceptPalette(chunk, encoded, sourceName);
                break;
            case PngChunk.Ihdr:
                throw new FileFormatException(sourceName, "a second IHDR chunk follows.", chunk.Offset);
            default:
                if (chunk.IsCritical)
                {
                    throw new FileFormatException(sourceName, $"the critical chunk {chunk.TypeName} is not known; the picture cannot be decoded without it.", chunk.Offset);
                }

                break;
        }
    }

    private void AcceptImageData(PngChunk chunk, uint previous, string sourceName)
    {
        if (_pieces.Count > 0 && previous != PngChunk.Idat)
        {
            throw new FileFormatException(sourceName, "the IDAT chunks are not consecutive.", chunk.Offset);
        }

        if (Header.ColourType == PngColourType.Palette && Palette.Length == 0)
        {
            throw new FileFormatException(sourceName, "image data of a palette picture comes before its PLTE chunk.", chunk.Offset);
        }

        _pieces.Add((chunk.DataOffset, chunk.Length));
        CompressedByteCount += chunk.Length;
    }

    private void AcceptPalette(PngChunk chunk, ReadOnlySpan<byte> encoded, string sourceName)
    {
        if (Palette.Length > 0)
        {
            throw new FileFormatException(sourceName, "a second PLTE chunk follows.", chunk.Offset);
        }

        if (_pieces.Count > 0)
        {
            throw new FileFormatException(sourceName, "the PLTE chunk comes after image data.", chunk.Offset);
        }

        if (Header.ColourType is PngColourType.Grey or PngColourType.GreyAlpha)
        {
            throw new FileFormatException(sourceName, "a grey picture must not have a PLTE chunk.", chunk.Offset);
        }

        if (chunk.Length == 0 || chunk.Length % 3 != 0 || chunk.Length > 3 * MaxPaletteEntries)
        {
            throw new FileFormatException(sourceName, $"the PLTE chunk has {chunk.Length} bytes; it must hold 1 to {MaxPaletteEntries} entries of three bytes.", chunk.Offset);
        }

        Palette = encoded.Slice(chunk.DataOffset, chunk.Length).ToArray();
    }
}
