using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Reads Huffman codes and bit fields from an entropy-coded segment through a 64-bit window. A data byte FF is written as FF 00; any other byte after
/// FF is a marker, which ends the segment. Behind the end the reader delivers zeros and counts what it owes, so the hot path has no end check:
/// the caller asks <see cref="RequireEnoughData"/> once per block (a block draws a bounded number of bits).
/// </summary>
internal ref struct EntropyReader
{
    // No code with its extra bits needs more: 16 code bits and 15 value bits.
    private const int BitsPerSymbol = 32;

    private readonly ReadOnlySpan<byte> data;
    private readonly string sourceName;
    private int position;

    // The next bits, first bit topmost. Bits below the first `available` may be set, but only to what a later refill puts there.
    private ulong window;
    private int available;
    private bool ended;

    public EntropyReader(ReadOnlySpan<byte> data, int position, string sourceName)
    {
        this.data = data;
        this.position = position;
        this.sourceName = sourceName;
    }

    /// <summary>Offset of the first byte that is not yet in the window.</summary>
    public readonly int Position => position;

    /// <summary>Reads one Huffman code and leaves at least 16 bits (or the zeros behind the end) in the window.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadSymbol(HuffmanTable table)
    {
        if (available < BitsPerSymbol)
        {
            Refill();
        }

        int entry = table.Lookup[(int)(window >> (64 - HuffmanTable.LookupBits))];
        if (entry == 0)
        {
            return ReadLongSymbol(table);
        }

        Skip(entry >> 8);
        return entry & 0xFF;
    }

    /// <summary>
    /// Reads the value of a coefficient directly after its size was read by <see cref="ReadSymbol"/>: <paramref name="size"/> bits, where a leading 0 marks
    /// the negative half of the range (annex F.2.2.1, EXTEND).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadValue(int size)
    {
        int value = (int)(window >> (64 - size));
        int negative = (int)(~(long)window >> 63);
        Skip(size);
        return value + (negative & ((-1 << size) + 1));
    }

    /// <summary>Reads an unsigned number of 1 to 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadBits(int count)
    {
        if (available < count)
        {
            Refill();
        }

        int value = (int)(window >> (64 - count));
        Skip(count);
        return value;
    }

    /// <summary>Refuses the file if more bits were read than the segment holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void RequireEnoughData()
    {
        if (available < 0)
        {
            throw TooShort();
        }
    }

    /// <summary>Drops the padding bits, checks that the restart marker with the given number follows directly, and starts the next segment.</summary>
    public void PassRestartMarker(int number)
    {
        if (!ended)
        {
            Refill();
        }

        if (!ended || available >= 8)
        {
            throw new FileFormatException(sourceName, $"the data before restart marker RST{number} is longer than its blocks need.", position);
        }

        int marker = position;
        while (marker < data.Length && data[marker] == 0xFF)
        {
            marker++;
        }

        if (marker >= data.Length)
        {
            throw TooShort();
        }

        if (data[marker] != JpegMarker.FirstRestart + number)
        {
            throw new FileFormatException(sourceName, $"marker FF {data[marker]:X2} was found where restart marker RST{number} is due.", position);
        }

        position = marker + 1;
        window = 0;
        available = 0;
        ended = false;
    }

    /// <summary>Reports a code or run that the block's coding cannot contain.</summary>
    public readonly FileFormatException Corrupt(string problem) =>
        available < 0 ? TooShort() : new FileFormatException(sourceName, problem, position);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Skip(int count)
    {
        window <<= count;
        available -= count;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int ReadLongSymbol(HuffmanTable table)
    {
        int length = table.FindLongCode((int)(window >> (64 - HuffmanTable.MaxCodeBits)), out int symbol);
        if (length == 0)
        {
            throw ended && available < HuffmanTable.MaxCodeBits ? TooShort() : Corrupt("these bits are no code of the Huffman table.");
        }

        Skip(length);
        return symbol;
    }

    /// <summary>Fills the window up to at least 57 bits, or to the end of the segment.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Refill()
    {
        if (ended)
        {
            return;
        }

        if (position <= data.Length - 8)
        {
            ulong next = BinaryPrimitives.ReadUInt64BigEndian(data[position..]);

            // A byte FF is a zero byte of ~next, and x - 1 borrows through the top bit exactly where the lowest zero byte of x is.
            ulong inverted = ~next;
            if (((inverted - 0x0101_0101_0101_0101) & next & 0x8080_8080_8080_8080) == 0)
            {
                int bytes = (64 - available) >> 3;
                window |= next >> available;
                available += 8 * bytes;
                position += bytes;
                return;
            }
        }

        while (available <= 56)
        {
            if (position >= data.Length)
            {
                ended = true;
                return;
            }

            byte value = data[position];
            int following = position + 1;
            if (value == 0xFF)
            {
                // Further FF bytes are fill, whatever follows them.
                while (following < data.Length && data[following] == 0xFF)
                {
                    following++;
                }

                if (following >= data.Length || data[following] != 0)
                {
                    ended = true;
                    return;
                }

                following++;
            }

            window |= (ulong)value << (56 - available);
            available += 8;
            position = following;
        }
    }

    private readonly FileFormatException TooShort() =>
        new(sourceName, "the entropy-coded data ends before all blocks are decoded; the file is truncated or damaged.", position);
}
