namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// The quantization and Huffman tables in force, four slots of each kind (ISO/IEC 10918-1, B.2.4). A slot may be refilled between scans; what was taken
/// from it before stays as it was.
/// </summary>
internal sealed class JpegTables
{
    private const int Slots = 4;
    private readonly ushort[]?[] _quantization = new ushort[]?[Slots];
    private readonly HuffmanTable?[] _dc = new HuffmanTable?[Slots];
    private readonly HuffmanTable?[] _ac = new HuffmanTable?[Slots];

    /// <summary>Step sizes in natural order, or null for an empty slot.</summary>
    public ushort[]? Quantization(int slot) => _quantization[slot];

    public HuffmanTable? Dc(int slot) => _dc[slot];

    public HuffmanTable? Ac(int slot) => _ac[slot];

    /// <summary>Reads the tables of a DQT segment.</summary>
    /// <param name="content">The segment without marker and length.</param>
    /// <param name="sourceName">Name for error messages.</param>
    /// <param name="offset">Offset of <paramref name="content"/> in the file.</param>
    public void ReadQuantization(ReadOnlySpan<byte> content, string sourceName, int offset)
    {
        int position = 0;
        while (position < content.Length)
        {
            int precision = content[position] >> 4;
            int slot = content[position] & 15;
            int valueBytes = precision + 1;
            if (precision > 1 || slot >= Slots)
            {
                throw new FileFormatException(sourceName, $"quantization table has precision code {precision} and slot {slot}; 0..1 and 0..3 are defined.", offset + position);
            }

            position++;
            if (content.Length - position < 64 * valueBytes)
            {
                throw new FileFormatException(sourceName, $"quantization table needs {64 * valueBytes} bytes; its segment has {content.Length - position} left.", offset + position);
            }

            var table = new ushort[64];
            for (int i = 0; i < 64; i++, position += valueBytes)
            {
                int value = precision == 0 ? content[position] : (content[position] << 8) | content[position + 1];
                if (value == 0)
                {
                    throw new FileFormatException(sourceName, "quantization table has a step of 0; steps are at least 1.", offset + position);
                }

                table[Zigzag.ToNatural[i]] = (ushort)value;
            }

            _quantization[slot] = table;
        }
    }

    /// <summary>Reads the tables of a DHT segment.</summary>
    /// <param name="content">The segment without marker and length.</param>
    /// <param name="sourceName">Name for error messages.</param>
    /// <param name="offset">Offset of <paramref name="content"/> in the file.</param>
    public void ReadHuffman(ReadOnlySpan<byte> content, string sourceName, int offset)
    {
        int position = 0;
        while (position < content.Length)
        {
            int tableClass = content[position] >> 4;
            int slot = content[position] & 15;
            if (tableClass > 1 || slot >= Slots)
            {
                throw new FileFormatException(sourceName, $"Huffman table has class {tableClass} and slot {slot}; 0..1 and 0..3 are defined.", offset + position);
            }

            position++;
            if (content.Length - position < HuffmanTable.MaxCodeBits)
            {
                throw new FileFormatException(sourceName, "Huffman table ends within its 16 code counts.", offset + position);
            }

            ReadOnlySpan<byte> counts = content.Slice(position, HuffmanTable.MaxCodeBits);
            int symbolCount = 0;
            foreach (byte count in counts)
            {
                symbolCount += count;
            }

            if (symbolCount is 0 or > 256 || HuffmanTable.IsOversubscribed(counts))
            {
                throw new FileFormatException(sourceName, $"Huffman table has {symbolCount} codes whose lengths no prefix code can have.", offset + position);
            }

            position += HuffmanTable.MaxCodeBits;
            if (content.Length - position < symbolCount)
            {
                throw new FileFormatException(sourceName, $"Huffman table needs {symbolCount} symbols; its segment has {content.Length - position} bytes left.", offset + position);
            }

            var table = new HuffmanTable(counts, content.Slice(position, symbolCount));
            position += symbolCount;
            (tableClass == 0 ? _dc : _ac)[slot] = table;
        }
    }
}
