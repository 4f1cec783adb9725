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

    private readonly ReadOnlySpan<byte> _data;
    private readonly string _sourceName;
    private int _position;

    // The next bits, first bit topmost. Bits below the first `_available` may be set, but only to what a later refill puts there.
    private ulong _window;
    private int _available;
    private bool _ended;

    public EntropyReader(ReadOnlySpan<byte> data, int position, string sourceName)
    {
        _data = data;
        _position = position;
        _sourceName = sourceName;
    }

    /// <summary>Offset of the first byte that is not yet in the window.</summary>
    public readonly int Position => _position;

    /// <summary>Reads one Huffman code and leaves at least 16 bits (or the zeros behind the end) in the window.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadSymbol(HuffmanTable table)
    {
        if (_available < BitsPerSymbol)
        {
            Refill();
        }

        int entry = table.Lookup[(int)(_window >> (64 - HuffmanTable.LookupBits))];
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
        int value = (int)(_window >> (64 - size));
        int negative = (int)(~(long)_window >> 63);
        Skip(size);
        return value + (negative & ((-1 << size) + 1));
    }

    /// <summary>Reads an unsigned number of 1 to 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadBits(int count)
    {
        if (_available < count)
        {
            Refill();
        }

        int value = (int)(_window >> (64 - count));
        Skip(count);
        return value;
    }

    /// <summary>Refuses the file if more bits were read than the segment holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void RequireEnoughData()
    {
        if (_available < 0)
        {
            throw TooShort();
        }
    }

    /// <summary>Drops the padding bits, checks that the restart marker with the given number follows directly, and starts the next segment.</summary>
    public void PassRestartMarker(int number)
    {
        if (!_ended)
        {
            Refill();
        }

        if (!_ended || _available >= 8)
        {
            throw new FileFormatException(_sourceName, $"the data before restart marker RST{number} is longer than its blocks need.", _position);
        }

        int marker = _position;
        while (marker < _data.Length && _data[marker] == 0xFF)
        {
            marker++;
        }

        if (marker >= _data.Length)
        {
            throw TooShort();
        }

        if (_data[marker] != JpegMarker.FirstRestart + number)
        {
            throw new FileFormatException(_sourceName, $"marker FF {_data[marker]:X2} was found where restart marker RST{number} is due.", _position);
        }

        _position = marker + 1;
        _window = 0;
        _available = 0;
        _ended = false;
    }

    /// <summary>Reports a code or run that the block's coding cannot contain.</summary>
    public readonly FileFormatException Corrupt(string problem) =>
        _available < 0 ? TooShort() : new FileFormatException(_sourceName, problem, _position);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Skip(int count)
    {
        _window <<= count;
        _available -= count;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int ReadLongSymbol(HuffmanTable table)
    {
        int length = table.FindLongCode((int)(_window >> (64 - HuffmanTable.MaxCodeBits)), out int symbol);
        if (length == 0)
        {
            throw _ended && _available < HuffmanTable.MaxCodeBits ? TooShort() : Corrupt("these bits are no code of the Huffman table.");
        }

        Skip(length);
        return symbol;
    }

    /// <summary>Fills the window up to at least 57 bits, or to the end of the segment.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Refill()
    {
        if (_ended)
        {
            return;
        }

        if (_position <= _data.Length - 8)
        {
            ulong next = BinaryPrimitives.ReadUInt64BigEndian(_data[_position..]);

            // A byte FF is a zero byte of ~next, and x - 1 borrows through the top bit exactly where the lowest zero byte of x is.
            ulong inverted = ~next;
            if (((inverted - 0x0101_0101_0101_0101) & next & 0x8080_8080_8080_8080) == 0)
            {
                int bytes = (64 - _available) >> 3;
                _window |= next >> _available;
                _available += 8 * bytes;
                _position += bytes;
                return;
            }
        }

        while (_available <= 56)
        {
            if (_position >= _data.Length)
            {
                _ended = true;
                return;
            }

            byte value = _data[_position];
            int following = _position + 1;
            if (value == 0xFF)
            {
                // Further FF bytes are fill, whatever follows them.
                while (following < _data.Length && _data[following] == 0xFF)
                {
                    following++;
                }

                if (following >= _data.Length || _data[following] != 0)
                {
                    _ended = true;
                    return;
                }

                following++;
            }

            _window |= (ulong)value << (56 - _available);
            _available += 8;
            _position = following;
        }
    }

    private readonly FileFormatException TooShort() =>
        new(_sourceName, "the entropy-coded data ends before all blocks are decoded; the file is truncated or damaged.", _position);
}
