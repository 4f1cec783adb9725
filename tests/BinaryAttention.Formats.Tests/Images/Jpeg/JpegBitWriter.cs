namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>Writes entropy-coded bits: first bit topmost, a zero byte behind each FF, ones as padding.</summary>
internal sealed class JpegBitWriter
{
    private readonly List<byte> bytes = [];
    private int pending;
    private int pendingBits;

    public void Write(int value, int count)
    {
        for (int bit = count - 1; bit >= 0; bit--)
        {
            pending = (pending << 1) | ((value >> bit) & 1);
            if (++pendingBits == 8)
            {
                Emit((byte)pending);
                pending = 0;
                pendingBits = 0;
            }
        }
    }

    /// <summary>The bits of a coefficient of the given size; negative values are written as value - 1.</summary>
    public void WriteValue(int value, int size) => Write(value < 0 ? value - 1 : value, size);

    /// <summary>How many bits the magnitude needs.</summary>
    public static int SizeOf(int value) => 32 - int.LeadingZeroCount(Math.Abs(value));

    /// <summary>Pads to a byte and puts a marker there.</summary>
    public void WriteMarker(byte marker)
    {
        Pad();
        bytes.Add(0xFF);
        bytes.Add(marker);
    }

    public byte[] ToBytes()
    {
        Pad();
        return [.. bytes];
    }

    private void Pad()
    {
        while (pendingBits != 0)
        {
            Write(1, 1);
        }
    }

    private void Emit(byte value)
    {
        bytes.Add(value);
        if (value == 0xFF)
        {
            bytes.Add(0);
        }
    }
}
