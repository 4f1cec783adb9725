using System.Buffers.Binary;
using System.Text;

namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>Takes numbers, text and bytes off a pickle; every length is checked against what is left.</summary>
internal ref struct PickleReader(ReadOnlySpan<byte> bytes, long fileOffset, string sourceName)
{
    private const int MaxTextBytes = 16 << 20;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    public readonly FileFormatException Fail(string problem, int position) =>
        new(sourceName, $"{problem} (byte {position} of the pickle)", fileOffset < 0 ? -1 : fileOffset + position);

    public byte ReadByte() => Take(1)[0];

    public int ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    // The one number stored with its highest byte first.
    public double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    public ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_bytes.Length - Position))
        {
            throw Fail($"the pickle asks for {count} bytes, but {_bytes.Length - Position} are left.", Position);
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return taken;
    }

    public string ReadText(ulong byteCount, bool isLatin = false)
    {
        int start = Position;
        if (byteCount > MaxTextBytes)
        {
            throw Fail($"the pickle holds a text of {byteCount} bytes; at most {MaxTextBytes} are read.", start);
        }

        ReadOnlySpan<byte> text = Take(byteCount);
        try
        {
            return isLatin ? Encoding.Latin1.GetString(text) : StrictUtf8.GetString(text);
        }
        catch (DecoderFallbackException)
        {
            throw Fail("the pickle holds a text that is not valid UTF-8.", start);
        }
    }

    /// <summary>Text up to a line feed, which is taken too.</summary>
    public string ReadLine()
    {
        int length = _bytes[Position..].IndexOf((byte)'\n');
        if (length < 0)
        {
            throw Fail("the pickle ends inside a name.", Position);
        }

        string line = ReadText((ulong)length);
        Position++;
        return line;
    }

    /// <summary>A two's complement number of any length, lowest byte first; opaque beyond 64 bits.</summary>
    public object ReadLong(ulong byteCount)
    {
        ReadOnlySpan<byte> number = Take(byteCount);
        if (number.Length > 8)
        {
            return new PickleOpaque("a number beyond 64 bits");
        }

        long value = number.IsEmpty || number[^1] < 0x80 ? 0 : -1;
        for (int i = number.Length - 1; i >= 0; i--)
        {
            value = (value << 8) | number[i];
        }

        return value;
    }
}
