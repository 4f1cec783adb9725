using System.Diagnostics.CodeAnalysis;
using BinaryAttention.Formats.Checkpoints.Pickle;
using BinaryAttention.Formats.Checkpoints.Zip;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Tensors from a checkpoint that torch.save of PyTorch 1.6 or later wrote (.pth, .pt): a zip archive of one pickle, which says what there
/// is, and a member of raw values for every storage. The pickle is interpreted as data by a machine that cannot call anything; objects of
/// other programs in it stay unread. Names are the keys of the dictionary that holds the tensors; if several hold tensors, the keys from
/// the outermost on, joined by dots. All reads may run on several threads at once.
/// </summary>
public sealed class PyTorchCheckpoint : TensorFile
{
    private const string Expected = "a PyTorch checkpoint of version 1.6 or later";
    private const string PickleName = "data.pkl";

    private readonly ByteSource _bytes;
    private readonly ZipDirectory _archive;
    private readonly string _sourceName;
    private readonly Dictionary<string, (TensorEntry Entry, ZipEntry Storage, TensorLayout Layout)> _byName = new(StringComparer.Ordinal);

    private PyTorchCheckpoint(ByteSource bytes, ZipDirectory archive, string sourceName, CheckpointLimits limits)
        : base(sourceName)
    {
        _bytes = bytes;
        _archive = archive;
        _sourceName = sourceName;
        ZipEntry pickle = FindPickle(archive) ?? throw new FileFormatException(sourceName, "the zip archive has no member data.pkl in exactly one folder, as a PyTorch checkpoint has.", 0);
        string folder = pickle.Name[..^PickleName.Length];
        CheckKind(folder);
        if (pickle.ByteCount > limits.MaxHeaderBytes)
        {
            throw new FileFormatException(sourceName, $"the pickle has {pickle.ByteCount} bytes; at most {limits.MaxHeaderBytes} are read. Raise CheckpointLimits.MaxHeaderBytes to read it.", pickle.HeaderOffset);
        }

        object? value = null;
        archive.Use(pickle, content => value = PickleMachine.Read(content, pickle.OffsetOf(0), sourceName));
        var state = StateDictionary.Find(value, limits, problem => new FileFormatException(sourceName, problem, pickle.DataOffset));
        StateDictionaryPath = state.Prefix;
        OtherValues = state.Others;
        var tensors = new List<TensorEntry>(state.Tensors.Count);
        foreach ((string name, PickleTensor tensor) in state.Tensors)
        {
            tensors.Add(Add(name, tensor, folder, pickle, limits));
        }

        Tensors = tensors.AsReadOnly();
    }

    /// <inheritdoc/>
    public override string FormatName => "PyTorch checkpoint";

    /// <summary>The tensors in the order of the pickle.</summary>
    public override IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>
    /// Where the dictionary is whose keys name the tensors: <c>model</c> for <c>{"model": {...}, "epoch": 3}</c>, empty if it is the outermost
    /// or if several dictionaries hold tensors.
    /// </summary>
    public string StateDictionaryPath { get; }

    /// <summary>Paths of the values beside the tensors that are not read, such as <c>epoch</c>; at most the first thousand.</summary>
    public IReadOnlyList<string> OtherValues { get; }

    /// <summary>Opens a file and checks its directory, its pickle and the place of every tensor.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What it may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <returns>The open file; dispose it to close it.</returns>
    /// <exception cref="FileFormatException">The file is of an older format, damaged, truncated or beyond the limits.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static new PyTorchCheckpoint Open(string path, CheckpointLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return TensorFileFormat.OpenZip(MappedByteSource.Open(path), Expected, path, limits ?? CheckpointLimits.Default, Create);
    }

    /// <summary>Checks a file held in memory. The bytes are used in place and must not change.</summary>
    /// <param name="bytes">The bytes of a whole file.</param>
    /// <param name="sourceName">Name for messages.</param>
    /// <param name="limits">What it may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <exception cref="FileFormatException">The bytes are of an older format, damaged, truncated or beyond the limits.</exception>
    public static PyTorchCheckpoint Parse(ReadOnlyMemory<byte> bytes, string sourceName = "pth", CheckpointLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(sourceName);
        return TensorFileFormat.OpenZip(new MemoryByteSource(bytes), Expected, sourceName, limits ?? CheckpointLimits.Default, Create);
    }

    /// <inheritdoc/>
    public override bool TryGetTensor(string name, [NotNullWhen(true)] out TensorEntry? entry)
    {
        ArgumentNullException.ThrowIfNull(name);
        bool isFound = _byName.TryGetValue(name, out (TensorEntry Entry, ZipEntry, TensorLayout) found);
        entry = found.Entry;
        return isFound;
    }

    /// <inheritdoc/>
    public override byte[] ReadBytes(string name)
    {
        (TensorEntry entry, ZipEntry storage, TensorLayout layout) = _byName[GetTensor(name).Name];
        var values = new byte[entry.ByteCount];
        _archive.Use(storage, content => layout.CopyTo(content, values));
        return values;
    }

    /// <inheritdoc/>
    public override void Dispose() => _bytes.Dispose();

    internal static PyTorchCheckpoint Create(ByteSource bytes, ZipDirectory archive, string sourceName, CheckpointLimits limits) => new(bytes, archive, sourceName, limits);

    /// <summary>The pickle: data.pkl at the top or in a folder there, if there is exactly one.</summary>
    internal static ZipEntry? FindPickle(ZipDirectory archive)
    {
        ZipEntry[] found = [.. archive.Entries.Where(static entry => entry.Name.EndsWith(PickleName, StringComparison.Ordinal) && entry.Name[..^PickleName.Length] is var folder && (folder.Length == 0 || folder.IndexOf('/', StringComparison.Ordinal) == folder.Length - 1))];
        return found.Length == 1 ? found[0] : null;
    }

    private void CheckKind(string folder)
    {
        if (_archive.TryGet($"{folder}constants.pkl", out _))
        {
            throw new FileFormatException(_sourceName, "this is a TorchScript program, which is not read. Save the state_dict of the module instead.", 0);
        }

        if (_archive.TryGet($"{folder}byteorder", out ZipEntry? order))
        {
            bool isLittle = false;
            if (order.ByteCount == "little"u8.Length)
            {
                _archive.Use(order, content => isLittle = content.SequenceEqual("little"u8));
            }

            if (!isLittle)
            {
                throw new FileFormatException(_sourceName, "the checkpoint's byte order is not 'little', the only one read.", order.DataOffset);
            }
        }
    }

    private TensorEntry Add(string name, PickleTensor tensor, string folder, ZipEntry pickle, CheckpointLimits limits)
    {
        string member = $"{folder}data/{tensor.Storage.Key}";
        if (!_archive.TryGet(member, out ZipEntry? storage))
        {
            throw new FileFormatException(_sourceName, $"the values of tensor {Quote.Name(name)} are missing: the archive has no member {Quote.Name(member)}.", pickle.OffsetOf(tensor.PickleOffset));
        }

        if (TensorLayout.TryCheck(tensor, storage.ByteCount, limits, out TensorLayout? layout) is { } problem)
        {
            throw new FileFormatException(_sourceName, $"tensor {Quote.Name(name)} {problem}.", pickle.OffsetOf(tensor.PickleOffset));
        }

        int size = ElementTypeNames.SizeOf(layout!.Type);
        var entry = new TensorEntry(name, layout.Type, Array.AsReadOnly(layout.Shape), storage.OffsetOf(layout.ElementOffset * size), layout.ElementCount * size);
        _byName.Add(name, (entry, storage, layout));
        return entry;
    }
}
