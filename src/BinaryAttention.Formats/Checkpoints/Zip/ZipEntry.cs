namespace BinaryAttention.Formats.Checkpoints.Zip;

/// <summary>One member of a zip archive, checked: its bytes lie inside the file and in no other member.</summary>
/// <param name="Index">Position in the central directory.</param>
/// <param name="Name">Its name, unique in the archive.</param>
/// <param name="IsDeflated">Deflated, or stored as it is.</param>
/// <param name="Crc">CRC-32 of its content.</param>
/// <param name="StoredBytes">Bytes it takes in the file.</param>
/// <param name="ByteCount">Bytes of its content.</param>
/// <param name="HeaderOffset">Where its local header begins in the file.</param>
/// <param name="DataOffset">Where its bytes begin in the file.</param>
internal sealed record ZipEntry(int Index, string Name, bool IsDeflated, uint Crc, int StoredBytes, int ByteCount, long HeaderOffset, long DataOffset)
{
    /// <summary>The file offset of a content byte, or -1 where the content is compressed.</summary>
    public long OffsetOf(long contentByte) => IsDeflated ? -1 : DataOffset + contentByte;
}
