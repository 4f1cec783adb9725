using System.Buffers.Binary;

namespace BinaryAttention.Formats.Checkpoints.Zip;

/// <summary>
/// Where the central directory of a zip archive lies (PKWARE APPNOTE 6.3.10, sections 4.3.14 to 4.3.16). The end record must close the
/// file, so that two readers cannot see two archives; the 64-bit record counts where its locator stands before the end record.
/// </summary>
/// <param name="EntryCount">Claimed number of members.</param>
/// <param name="DirectoryOffset">First byte of the directory.</param>
/// <param name="DirectoryBytes">Its length.</param>
internal readonly record struct ZipEndRecord(long EntryCount, long DirectoryOffset, long DirectoryBytes)
{
    private const int EndBytes = 22, LocatorBytes = 20, WideEndBytes = 56;
    private const uint EndSignature = 0x06054B50, LocatorSignature = 0x07064B50, WideEndSignature = 0x06064B50;

    /// <summary>Finds and checks the record.</summary>
    /// <exception cref="FileFormatException">There is none, or it contradicts the file's length.</exception>
    public static ZipEndRecord Find(ByteSource bytes, string sourceName)
    {
        long end = FindEnd(bytes, sourceName);
        ReadOnlySpan<byte> record = bytes.Slice(end, EndBytes);
        if (BinaryPrimitives.ReadUInt16LittleEndian(record[4..]) != 0 || BinaryPrimitives.ReadUInt16LittleEndian(record[6..]) != 0)
        {
            throw new FileFormatException(sourceName, "the zip archive is spread over several files; only whole archives are read.", end + 4);
        }

        var found = new ZipEndRecord(
            BinaryPrimitives.ReadUInt16LittleEndian(record[10..]),
            BinaryPrimitives.ReadUInt32LittleEndian(record[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(record[12..]));
        long limit = end;
        if (end >= LocatorBytes && BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice(end - LocatorBytes, 4)) == LocatorSignature)
        {
            (found, limit) = ReadWide(bytes, end - LocatorBytes, sourceName);
        }

        if (found.EntryCount < 0 || found.DirectoryOffset < 0 || found.DirectoryBytes < 0 || found.DirectoryOffset > limit || found.DirectoryBytes != limit - found.DirectoryOffset)
        {
            throw new FileFormatException(sourceName, $"the zip archive's directory is said to be {found.DirectoryBytes} bytes at {found.DirectoryOffset}; it must end where its end record begins, at {limit}.", end);
        }

        return found;
    }

    private static long FindEnd(ByteSource bytes, string sourceName)
    {
        if (bytes.Length < EndBytes)
        {
            throw new FileFormatException(sourceName, $"the file has {bytes.Length} bytes; a zip archive has at least {EndBytes}.", 0);
        }

        int tail = (int)Math.Min(bytes.Length, EndBytes + ushort.MaxValue);
        ReadOnlySpan<byte> span = bytes.Slice(bytes.Length - tail, tail);
        for (int at = tail - EndBytes; at >= 0; at--)
        {
            bool isEnd = BinaryPrimitives.ReadUInt32LittleEndian(span[at..]) == EndSignature
                && BinaryPrimitives.ReadUInt16LittleEndian(span[(at + 20)..]) == tail - at - EndBytes;
            if (isEnd)
            {
                return bytes.Length - tail + at;
            }
        }

        throw new FileFormatException(sourceName, "the file begins like a zip archive but has no end record. It is truncated or something was appended.", bytes.Length);
    }

    private static (ZipEndRecord Record, long Limit) ReadWide(ByteSource bytes, long locator, string sourceName)
    {
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice(locator + 8, 8));
        if (locator < WideEndBytes || offset > (ulong)(locator - WideEndBytes) || BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice((long)offset, 4)) != WideEndSignature)
        {
            throw new FileFormatException(sourceName, "the zip archive's 64-bit end record is not where its locator points.", locator);
        }

        ReadOnlySpan<byte> record = bytes.Slice((long)offset, WideEndBytes);
        return (new ZipEndRecord(
            BinaryPrimitives.ReadInt64LittleEndian(record[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(record[48..]),
            BinaryPrimitives.ReadInt64LittleEndian(record[40..])), (long)offset);
    }
}
