namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// A canonical Huffman code (ISO/IEC 10918-1, annex C): codes of one length are consecutive, and the first code of a length is twice the
/// successor of the last code of the length before. Codes of up to <see cref="LookupBits"/> bits are found with one table read, longer ones by
/// comparing the next 16 bits with the end of each length's code range.
/// </summary>
internal sealed class HuffmanTable
{
    public const int LookupBits = 9;
    public const int MaxCodeBits = 16;

    // Indexed by code length: the first 16-bit window value (left-aligned) beyond the codes of that length.
    private readonly int[] _windowEnd = new int[MaxCodeBits + 1];

    // Indexed by code length: what turns a code of that length into an index into symbols.
    private readonly int[] _symbolOffset = new int[MaxCodeBits + 1];
    private readonly byte[] _symbols;

    /// <summary>Builds the table. The counts must not be over-subscribed and must add up to the number of symbols.</summary>
    /// <param name="countPerLength">Sixteen values: how many codes have length 1, 2, ... 16.</param>
    /// <param name="symbols">The symbols in order of their codes.</param>
    public HuffmanTable(ReadOnlySpan<byte> countPerLength, ReadOnlySpan<byte> symbols)
    {
        _symbols = symbols.ToArray();
        int code = 0;
        int index = 0;
        for (int length = 1; length <= MaxCodeBits; length++)
        {
            _symbolOffset[length] = index - code;
            for (int i = 0; i < countPerLength[length - 1]; i++, code++, index++)
            {
                LargestSymbol = Math.Max(LargestSymbol, symbols[index]);
                if (length <= LookupBits)
                {
                    int freeBits = LookupBits - length;
                    Lookup.AsSpan(code << freeBits, 1 << freeBits).Fill((ushort)((length << 8) | symbols[index]));
                }
            }

            _windowEnd[length] = code << (MaxCodeBits - length);
            code <<= 1;
        }
    }

    /// <summary>For each value of the next nine bits: code length times 256 plus symbol, or 0 where the code is longer or undefined.</summary>
    public ushort[] Lookup { get; } = new ushort[1 << LookupBits];

    /// <summary>The largest symbol value; DC tables may only hold sizes up to 15.</summary>
    public byte LargestSymbol { get; }

    /// <summary>Whether the counts ask for more codes of some length than the shorter codes leave room for.</summary>
    public static bool IsOversubscribed(ReadOnlySpan<byte> countPerLength)
    {
        int free = 1;
        foreach (byte count in countPerLength)
        {
            free = (2 * free) - count;
            if (free < 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Finds a code longer than <see cref="LookupBits"/>.</summary>
    /// <param name="window">The next 16 bits.</param>
    /// <param name="symbol">The symbol, if there is one.</param>
    /// <returns>The length of the code, or 0 if no code starts with these bits.</returns>
    public int FindLongCode(int window, out int symbol)
    {
        for (int length = LookupBits + 1; length <= MaxCodeBits; length++)
        {
            if (window < _windowEnd[length])
            {
                symbol = _symbols[(window >> (MaxCodeBits - length)) + _symbolOffset[length]];
                return length;
            }
        }

        symbol = 0;
        return 0;
    }
}
