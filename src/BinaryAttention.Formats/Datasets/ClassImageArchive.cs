using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Formats.Checkpoints.Zip;
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Formats.Datasets;

/// <summary>
/// Labelled pictures from one zip archive whose members are <c>class/name.jpg</c> (or .jpeg, .png): the folder names, sorted by character code, are the classes 0, 1, ...;
/// CIFAR-10 is often passed on this way. Pictures are ordered by file name, then by class, so that every stretch of them has the classes in equal shares where all classes
/// use the same file names. The directory is checked when the archive is opened, a picture and its checksum when it is read. Reads may run on several threads at once.
/// </summary>
public sealed class ClassImageArchive : IDisposable
{
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png"];

    private readonly ByteSource _bytes;
    private readonly ZipDirectory _archive;
    private readonly ImageLimits _limits;
    private readonly string _sourceName;
    private readonly (ZipEntry Member, int Label)[] _pictures;

    private ClassImageArchive(ByteSource bytes, string sourceName, ClassImageArchiveLimits limits)
    {
        (_bytes, _sourceName, _limits) = (bytes, sourceName, limits.Images);
        _archive = ZipDirectory.Read(bytes, sourceName, CheckpointLimits.Default with { MaxTensors = limits.MaxPictures, MaxNameLength = limits.MaxNameLength, MaxBytesInMemory = (int)Math.Min(limits.Images.MaxFileBytes, int.MaxValue) });
        var found = new List<(ZipEntry Member, string Class, string Name)>();
        foreach (ZipEntry member in _archive.Entries)
        {
            // Folders may be members of their own, without content.
            if (member.Name.EndsWith('/') && member.ByteCount == 0)
            {
                continue;
            }

            string[] parts = member.Name.Split('/');
            if (parts.Length != 2 || parts[0].Length == 0 || !Extensions.Contains(Path.GetExtension(parts[1]), StringComparer.OrdinalIgnoreCase))
            {
                throw new FileFormatException(sourceName, $"member {Quote.Name(member.Name)} is no picture of a class; names such as \"cat/0001.jpg\" ({string.Join(", ", Extensions)}) are expected.", member.HeaderOffset);
            }

            found.Add((member, parts[0], parts[1]));
        }

        if (found.Count > limits.MaxPictures)
        {
            throw new FileFormatException(sourceName, $"the archive holds {found.Count} pictures; at most {limits.MaxPictures} are read (ClassImageArchiveLimits.MaxPictures).");
        }

        string[] classes = [.. found.Select(static picture => picture.Class).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (classes.Length == 0 || classes.Length > limits.MaxClasses)
        {
            throw new FileFormatException(sourceName, $"the archive holds pictures of {classes.Length} classes; 1 to {limits.MaxClasses} are read (ClassImageArchiveLimits.MaxClasses).");
        }

        Classes = Array.AsReadOnly(classes);
        _pictures =
        [
            .. found.OrderBy(static picture => picture.Name, StringComparer.Ordinal).ThenBy(static picture => picture.Class, StringComparer.Ordinal)
                .Select(picture => (picture.Member, Array.BinarySearch(classes, picture.Class, StringComparer.Ordinal))),
        ];
    }

    /// <summary>The names of the classes in the order of their indices, at least one.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>How many pictures there are, at least one.</summary>
    public int Count => _pictures.Length;

    /// <summary>Opens an archive and checks its directory.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What it may ask for; <see cref="ClassImageArchiveLimits.Default"/> if null.</param>
    /// <returns>The open archive; dispose it to close it.</returns>
    /// <exception cref="FileFormatException">The file is no zip archive, is damaged, holds something else than pictures of classes, or is beyond the limits.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static ClassImageArchive Open(string path, ClassImageArchiveLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ByteSource bytes = MappedByteSource.Open(path);
        try
        {
            return new ClassImageArchive(bytes, path, limits ?? ClassImageArchiveLimits.Default);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>The class index of a picture.</summary>
    /// <param name="index">The picture, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such picture.</exception>
    public int Label(int index) => _pictures[Checked(index)].Label;

    /// <summary>The name of a picture's member.</summary>
    /// <param name="index">The picture, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such picture.</exception>
    public string Name(int index) => _pictures[Checked(index)].Member.Name;

    /// <summary>Decodes a picture.</summary>
    /// <param name="index">The picture, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such picture.</exception>
    /// <exception cref="FileFormatException">The member or its picture is damaged, or beyond the limits.</exception>
    /// <exception cref="ObjectDisposedException">The archive was closed.</exception>
    public RgbImage Read(int index)
    {
        ZipEntry member = _pictures[Checked(index)].Member;
        string name = $"{_sourceName} ({Quote.Name(member.Name)})";
        if (member.ByteCount > _limits.MaxFileBytes)
        {
            throw new FileFormatException(name, $"the picture has {member.ByteCount} bytes; at most {_limits.MaxFileBytes} are read (ImageLimits.MaxFileBytes).", member.HeaderOffset);
        }

        RgbImage? image = null;
        _archive.Use(member, content => image = ImageDecoder.Decode(content, name, _limits));
        return image!;
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    private int Checked(int index) => index >= 0 && index < Count ? index : throw new ArgumentOutOfRangeException(nameof(index), index, $"Expected 0 to {Count - 1}.");
}
