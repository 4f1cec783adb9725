namespace BinaryAttention.Formats.Images;

/// <summary>Where a chunk lies: <see cref="Offset"/> of its length field, then four bytes of type, <see cref="Length"/> bytes of data and a CRC.</summary>
internal readonly record struct PngChunk(uint Type, int Offset, int Length)
{
    public const uint Ihdr = 0x49484452;
    public const uint Plte = 0x504C5445;
    public const uint Idat = 0x49444154;
    public const uint Iend = 0x49454E44;

    /// <summary>Length field, type and CRC: what a chunk takes beside its data.</summary>
    public const int OverheadBytes = 12;

    // Bit 5 of a type byte is the case of its letter; a capital first letter means the picture cannot be shown without the chunk.
    private const uint AncillaryBit = 0x20000000;

    public int DataOffset => Offset + 8;

    public bool IsCritical => (Type & AncillaryBit) == 0;

    /// <summary>The four letters. Only for types that were found to be letters.</summary>
    public string TypeName => string.Create(4, Type, static (name, type) =>
    {
        for (int i = 0; i < 4; i++)
        {
            name[i] = (char)((type >> (24 - 8 * i)) & 0xFF);
        }
    });
}
