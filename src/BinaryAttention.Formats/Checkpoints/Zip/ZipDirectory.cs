using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;

namespace BinaryAttention.Formats.Checkpoints.Zip;

/// <summary>
/// The members of a zip archive and their content, read on demand and checked against its CRC-32. Stored members are read in place; a
/// deflated one is unpacked whole into as many bytes as it claims, no more. Reads may run on several threads at once.
/// </summary>
internal sealed class ZipDirectory
{
    private readonly ByteSource _bytes;
    private readonly string _sourceName;
    private readonly bool[] _isVerified;
    private readonly Dictionary<string, ZipEntry> _byName = new(StringComparer.Ordinal);

    // Many tensors may lie in one deflated member; the one unpacked last is kept.
    private Tuple<ZipEntry, byte[]>? _unpacked;

    private ZipDirectory(ByteSource bytes, List<ZipEntry> entries, string sourceName)
    {
        _bytes = bytes;
        _sourceName = sourceName;
        _isVerified = new bool[entries.Count];
        Entries = entries;
        foreach (ZipEntry entry in entries)
        {
            _byName.Add(entry.Name, entry);
        }
    }

    /// <summary>All members in the order of the directory.</summary>
    public IReadOnlyList<ZipEntry> Entries { get; }

    /// <summary>Reads the directory of an archive.</summary>
    /// <exception cref="FileFormatException">It is damaged or beyond the limits.</exception>
    public static ZipDirectory Read(ByteSource bytes, string sourceName, CheckpointLimits limits) => new(bytes, ZipDirectoryReader.Read(bytes, sourceName, limits), sourceName);

    public bool TryGet(string name, [NotNullWhen(true)] out ZipEntry? entry) => _byName.TryGetValue(name, out entry);

    /// <summary>Hands the whole content of a member to an action. The span is valid only while it runs.</summary>
    /// <exception cref="FileFormatException">The content does not unpack to the claimed size or has another checksum.</exception>
    public void Use(ZipEntry entry, Action<ReadOnlySpan<byte>> action)
    {
        _bytes.Enter();
        try
        {
            ReadOnlySpan<byte> content = entry.IsDeflated ? Unpacked(entry) : _bytes.Slice(entry.DataOffset, entry.ByteCount);
            if (!_isVerified[entry.Index])
            {
                if (Crc32.Compute(content) != entry.Crc)
                {
                    throw new FileFormatException(_sourceName, $"the content of member {Quote.Name(entry.Name)} does not have the checksum the zip archive gives for it. The file is damaged, or was written without checksums.", entry.DataOffset);
                }

                _isVerified[entry.Index] = true;
            }

            action(content);
        }
        finally
        {
            _bytes.Exit();
        }
    }

    /// <summary>The first bytes of a member, without a look at its checksum; fewer if it has fewer.</summary>
    public byte[] ReadStart(ZipEntry entry, int count)
    {
        count = Math.Min(count, entry.ByteCount);
        _bytes.Enter();
        try
        {
            return entry.IsDeflated ? Unpack(entry, count) : _bytes.Slice(entry.DataOffset, count).ToArray();
        }
        finally
        {
            _bytes.Exit();
        }
    }

    private byte[] Unpacked(ZipEntry entry)
    {
        Tuple<ZipEntry, byte[]>? last = Volatile.Read(ref _unpacked);
        if (!ReferenceEquals(last?.Item1, entry))
        {
            last = Tuple.Create(entry, Unpack(entry, entry.ByteCount));
            Volatile.Write(ref _unpacked, last);
        }

        return last!.Item2;
    }

    private byte[] Unpack(ZipEntry entry, int count)
    {
        using var packed = new MemoryStream(_bytes.Slice(entry.DataOffset, entry.StoredBytes).ToArray());
        using var inflater = new DeflateStream(packed, CompressionMode.Decompress);
        var content = new byte[count];
        try
        {
            int read = inflater.ReadAtLeast(content, count, throwOnEndOfStream: false);
            if (read < count || (count == entry.ByteCount && inflater.ReadByte() >= 0))
            {
                throw new FileFormatException(_sourceName, $"member {Quote.Name(entry.Name)} of the zip archive unpacks to {(read < count ? $"{read}" : "more")} bytes; it claims {entry.ByteCount}.", entry.DataOffset);
            }
        }
        catch (InvalidDataException exception)
        {
            throw new FileFormatException(_sourceName, $"the deflated bytes of member {Quote.Name(entry.Name)} are damaged.", entry.DataOffset, exception);
        }

        return content;
    }
}
