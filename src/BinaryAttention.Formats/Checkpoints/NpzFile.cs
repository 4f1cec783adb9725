using System.Diagnostics.CodeAnalysis;
using BinaryAttention.Formats.Checkpoints.Zip;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Arrays from a NumPy .npz file: a zip archive of .npy files, stored (numpy.savez) or deflated (numpy.savez_compressed). The directory and
/// the header of every array are checked when the file is opened, values and checksums when they are read. What <see cref="NpyArray"/> refuses is refused here.
/// </summary>
public sealed class NpzFile : TensorFile
{
    private const string Expected = "a NumPy archive";
    internal const string Suffix = ".npy";

    // NumPy writes 128 bytes for a plain array; a small file of deflated blanks must not keep the header reader busy for long.
    private const int MaxHeaderBytes = 1 << 16;
    private const int FirstBytes = 12;

    private readonly ByteSource _bytes;
    private readonly ZipDirectory _archive;
    private readonly Dictionary<string, (TensorEntry Entry, ZipEntry Member, int DataStart)> _byName = new(StringComparer.Ordinal);

    private NpzFile(ByteSource bytes, ZipDirectory archive, string sourceName, CheckpointLimits limits)
        : base(sourceName)
    {
        _bytes = bytes;
        _archive = archive;
        limits = limits with { MaxHeaderBytes = Math.Min(limits.MaxHeaderBytes, MaxHeaderBytes) };
        var tensors = new List<TensorEntry>(archive.Entries.Count);
        foreach (ZipEntry member in archive.Entries)
        {
            if (!member.Name.EndsWith(Suffix, StringComparison.Ordinal))
            {
                throw new FileFormatException(sourceName, $"member {Quote.Name(member.Name)} of the archive is no {Suffix} file; a NumPy archive holds nothing else.", member.HeaderOffset);
            }

            (TensorEntry entry, int dataStart) = ReadHeader(member, $"{sourceName} ({Quote.Name(member.Name)})", limits);
            _byName.Add(entry.Name, (entry, member, dataStart));
            tensors.Add(entry);
        }

        Tensors = tensors.AsReadOnly();
    }

    /// <inheritdoc/>
    public override string FormatName => "NumPy archive";

    /// <summary>The arrays in the order of the archive's directory, named without <c>.npy</c>.</summary>
    public override IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>Opens a file and checks its directory and headers.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What it may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <returns>The open file; dispose it to close it.</returns>
    /// <exception cref="FileFormatException">The file is damaged, truncated, holds unsupported types or is beyond the limits.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static new NpzFile Open(string path, CheckpointLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return TensorFileFormat.OpenZip(MappedByteSource.Open(path), Expected, path, limits ?? CheckpointLimits.Default, Create);
    }

    /// <summary>Checks a file held in memory. The bytes are used in place and must not change.</summary>
    /// <param name="bytes">The bytes of a whole file.</param>
    /// <param name="sourceName">Name for messages.</param>
    /// <param name="limits">What it may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <exception cref="FileFormatException">The bytes are damaged, truncated, hold unsupported types or are beyond the limits.</exception>
    public static NpzFile Parse(ReadOnlyMemory<byte> bytes, string sourceName = "npz", CheckpointLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(sourceName);
        return TensorFileFormat.OpenZip(new MemoryByteSource(bytes), Expected, sourceName, limits ?? CheckpointLimits.Default, Create);
    }

    /// <inheritdoc/>
    public override bool TryGetTensor(string name, [NotNullWhen(true)] out TensorEntry? entry)
    {
        ArgumentNullException.ThrowIfNull(name);
        bool isFound = _byName.TryGetValue(name, out (TensorEntry Entry, ZipEntry, int) found);
        entry = found.Entry;
        return isFound;
    }

    /// <inheritdoc/>
    public override byte[] ReadBytes(string name)
    {
        (TensorEntry entry, ZipEntry member, int dataStart) = _byName[GetTensor(name).Name];
        var values = new byte[entry.ByteCount];
        _archive.Use(member, content => content[dataStart..].CopyTo(values));
        return values;
    }

    /// <inheritdoc/>
    public override void Dispose() => _bytes.Dispose();

    internal static NpzFile Create(ByteSource bytes, ZipDirectory archive, string sourceName, CheckpointLimits limits) => new(bytes, archive, sourceName, limits);

    private (TensorEntry Entry, int DataStart) ReadHeader(ZipEntry member, string label, CheckpointLimits limits)
    {
        (int headerStart, int dataStart) = NpyArray.FindHeader(_archive.ReadStart(member, FirstBytes), member.ByteCount, label, limits);
        byte[] start = _archive.ReadStart(member, dataStart);
        var header = NpyHeader.Parse(start.AsSpan(headerStart), headerStart, label, limits);
        long available = member.ByteCount - dataStart;
        if (!ShapeProduct.TryMultiply(header.Shape, ElementTypeNames.SizeOf(header.ElementType), out _, out long byteCount) || byteCount != available)
        {
            throw new FileFormatException(label, $"{ElementTypeNames.NameOf(header.ElementType)} of shape ({string.Join(", ", header.Shape)}) does not fit the {available} bytes that follow the header.", dataStart);
        }

        string name = member.Name[..^Suffix.Length];
        return (new TensorEntry(name, header.ElementType, Array.AsReadOnly(header.Shape), member.OffsetOf(dataStart), byteCount), dataStart);
    }
}
