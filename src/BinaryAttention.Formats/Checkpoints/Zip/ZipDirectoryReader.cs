using System.Buffers.Binary;
using System.Text;

namespace BinaryAttention.Formats.Checkpoints.Zip;

/// <summary>
/// Reads the central directory of a zip archive and checks every member against its local header and against the file: names unique and
/// valid UTF-8, stored or deflated, not encrypted, no two members over the same bytes, no claimed size that the compressed bytes could not hold.
/// </summary>
internal static class ZipDirectoryReader
{
    // Deflate spends at least one bit on a copy of at most 258 bytes and two of them make a token: 1,032 to 1 is the most there is.
    private const int MaxDeflateRatio = 1032;
    private const int EntryBytes = 46, LocalBytes = 30;
    private const uint EntrySignature = 0x02014B50, LocalSignature = 0x04034B50;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads and checks the directory; members in its order.</summary>
    /// <exception cref="FileFormatException">Damage, a trick, or more than the limits allow.</exception>
    public static List<ZipEntry> Read(ByteSource bytes, string sourceName, CheckpointLimits limits)
    {
        var end = ZipEndRecord.Find(bytes, sourceName);
        long maxEntries = limits.MaxTensors + 1_000L;
        if (end.EntryCount > maxEntries || end.DirectoryBytes > limits.MaxHeaderBytes || end.EntryCount > end.DirectoryBytes / EntryBytes)
        {
            throw new FileFormatException(
                sourceName,
                $"the zip archive claims {end.EntryCount} members in a directory of {end.DirectoryBytes} bytes; at most {maxEntries} in {limits.MaxHeaderBytes} bytes are read, {EntryBytes} or more each.",
                end.DirectoryOffset);
        }

        ReadOnlySpan<byte> directory = bytes.Slice(end.DirectoryOffset, (int)end.DirectoryBytes);
        var entries = new List<ZipEntry>((int)end.EntryCount);
        var names = new HashSet<string>(StringComparer.Ordinal);
        int position = 0;
        for (int i = 0; i < end.EntryCount; i++)
        {
            ZipEntry entry = ReadEntry(bytes, directory, ref position, i, end.DirectoryOffset, sourceName, limits);
            if (!names.Add(entry.Name))
            {
                throw new FileFormatException(sourceName, $"the zip archive has two members named {Quote.Name(entry.Name)}; names must be unique.", end.DirectoryOffset);
            }

            entries.Add(entry);
        }

        if (position != directory.Length)
        {
            throw new FileFormatException(sourceName, $"the zip archive's directory has {directory.Length - position} bytes behind its {entries.Count} members.", end.DirectoryOffset + position);
        }

        RefuseOverlaps(entries, sourceName);
        return entries;
    }

    private static ZipEntry ReadEntry(ByteSource bytes, ReadOnlySpan<byte> directory, ref int position, int index, long directoryOffset, string sourceName, CheckpointLimits limits)
    {
        long at = directoryOffset + position;
        ReadOnlySpan<byte> entry = directory[position..];
        if (entry.Length < EntryBytes || BinaryPrimitives.ReadUInt32LittleEndian(entry) != EntrySignature)
        {
            throw new FileFormatException(sourceName, $"member {index} of the zip archive has no directory entry here.", at);
        }

        int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(entry[28..]);
        int extraBytes = BinaryPrimitives.ReadUInt16LittleEndian(entry[30..]);
        int commentBytes = BinaryPrimitives.ReadUInt16LittleEndian(entry[32..]);
        if (entry.Length - EntryBytes < nameBytes + extraBytes + commentBytes)
        {
            throw new FileFormatException(sourceName, $"the directory entry of member {index} does not fit the zip archive's directory.", at);
        }

        position += EntryBytes + nameBytes + extraBytes + commentBytes;
        ReadOnlySpan<byte> rawName = entry.Slice(EntryBytes, nameBytes);
        string name = ReadName(rawName, sourceName, at, limits);
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(entry[8..]);
        int method = BinaryPrimitives.ReadUInt16LittleEndian(entry[10..]);
        if ((flags & 0x2041) != 0 || method is not (0 or 8))
        {
            throw new FileFormatException(sourceName, $"member {Quote.Name(name)} of the zip archive is encrypted or packed with method {method}; only stored (0) and deflated (8) members are read.", at);
        }

        (long byteCount, long storedBytes, long headerOffset) = ReadSizes(entry, entry.Slice(EntryBytes + nameBytes, extraBytes), name, sourceName, at);
        bool isDeflated = method == 8;
        if (byteCount > Array.MaxLength || storedBytes > Array.MaxLength || (isDeflated ? byteCount > limits.MaxBytesInMemory || byteCount > storedBytes * MaxDeflateRatio : byteCount != storedBytes))
        {
            throw new FileFormatException(
                sourceName,
                $"member {Quote.Name(name)} claims {byteCount} bytes out of {storedBytes}; stored sizes must be equal, deflated ones at most {MaxDeflateRatio} to 1 and {limits.MaxBytesInMemory} (CheckpointLimits.MaxBytesInMemory), all at most {Array.MaxLength}.",
                at);
        }

        long dataOffset = CheckLocalHeader(bytes, rawName, name, method, storedBytes, headerOffset, directoryOffset, sourceName);
        return new ZipEntry(index, name, isDeflated, BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]), (int)storedBytes, (int)byteCount, headerOffset, dataOffset);
    }

    private static string ReadName(ReadOnlySpan<byte> rawName, string sourceName, long at, CheckpointLimits limits)
    {
        try
        {
            string name = StrictUtf8.GetString(rawName);
            return name.Length <= limits.MaxNameLength && !name.Contains('\0', StringComparison.Ordinal)
                ? name
                : throw new FileFormatException(sourceName, $"a member's name has {name.Length} characters or a zero among them; at most {limits.MaxNameLength} are read.", at);
        }
        catch (DecoderFallbackException exception)
        {
            throw new FileFormatException(sourceName, "the name of a member of the zip archive is not valid UTF-8.", at, exception);
        }
    }

    // Sizes and the offset that do not fit 32 bits are all ones and stand in the extra field 1, in this order (section 4.5.3).
    private static (long ByteCount, long StoredBytes, long HeaderOffset) ReadSizes(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> extra, string name, string sourceName, long at)
    {
        ReadOnlySpan<byte> wide = default;
        while (extra.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4)
            {
                throw new FileFormatException(sourceName, $"an extra field of member {Quote.Name(name)} claims {length} bytes, but {extra.Length - 4} follow.", at);
            }

            if (BinaryPrimitives.ReadUInt16LittleEndian(extra) == 1)
            {
                wide = extra.Slice(4, length);
            }

            extra = extra[(4 + length)..];
        }

        long byteCount = Take(BinaryPrimitives.ReadUInt32LittleEndian(entry[24..]), ref wide);
        long storedBytes = Take(BinaryPrimitives.ReadUInt32LittleEndian(entry[20..]), ref wide);
        long headerOffset = Take(BinaryPrimitives.ReadUInt32LittleEndian(entry[42..]), ref wide);
        return byteCount >= 0 && storedBytes >= 0 && headerOffset >= 0
            ? (byteCount, storedBytes, headerOffset)
            : throw new FileFormatException(sourceName, $"a size or offset of member {Quote.Name(name)} is beyond 63 bits or missing.", at);
    }

    private static long Take(uint narrow, ref ReadOnlySpan<byte> wide)
    {
        if (narrow != uint.MaxValue)
        {
            return narrow;
        }

        if (wide.Length < 8)
        {
            return -1;
        }

        long value = BinaryPrimitives.ReadInt64LittleEndian(wide);
        wide = wide[8..];
        return value;
    }

    private static long CheckLocalHeader(ByteSource bytes, ReadOnlySpan<byte> rawName, string name, int method, long storedBytes, long headerOffset, long directoryOffset, string sourceName)
    {
        if (headerOffset > directoryOffset - LocalBytes - rawName.Length || BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice(headerOffset, 4)) != LocalSignature)
        {
            throw new FileFormatException(sourceName, $"member {Quote.Name(name)} of the zip archive is said to begin at {headerOffset}, where no member begins.", Math.Min(headerOffset, bytes.Length));
        }

        ReadOnlySpan<byte> header = bytes.Slice(headerOffset, LocalBytes);
        int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(header[26..]);
        bool agrees = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]) == method && nameBytes == rawName.Length
            && bytes.Slice(headerOffset + LocalBytes, nameBytes).SequenceEqual(rawName);
        if (!agrees)
        {
            throw new FileFormatException(sourceName, $"the local header of member {Quote.Name(name)} disagrees with the zip archive's directory.", headerOffset);
        }

        long dataOffset = headerOffset + LocalBytes + nameBytes + BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        return dataOffset <= directoryOffset - storedBytes
            ? dataOffset
            : throw new FileFormatException(sourceName, $"member {Quote.Name(name)} claims {storedBytes} bytes, which reach into the zip archive's directory at {directoryOffset}.", headerOffset);
    }

    private static void RefuseOverlaps(List<ZipEntry> entries, string sourceName)
    {
        ZipEntry[] byOffset = [.. entries.OrderBy(static entry => entry.HeaderOffset)];
        for (int i = 1; i < byOffset.Length; i++)
        {
            ZipEntry before = byOffset[i - 1];
            if (before.DataOffset + before.StoredBytes > byOffset[i].HeaderOffset)
            {
                throw new FileFormatException(sourceName, $"members {Quote.Name(before.Name)} and {Quote.Name(byOffset[i].Name)} of the zip archive lie over the same bytes.", byOffset[i].HeaderOffset);
            }
        }
    }
}
