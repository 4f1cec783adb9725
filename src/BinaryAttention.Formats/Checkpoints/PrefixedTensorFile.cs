using System.Diagnostics.CodeAnalysis;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>The tensors of an open file whose names begin with a prefix and a dot, named without it. Owns the file.</summary>
internal sealed class PrefixedTensorFile : TensorFile
{
    private const int MostChoices = 20;

    private readonly TensorFile _file;
    private readonly Dictionary<string, TensorEntry> _byName;

    private PrefixedTensorFile(TensorFile file, string start, string sourceName)
        : base(sourceName)
    {
        _file = file;
        Tensors = Array.AsReadOnly(file.Tensors.Where(tensor => tensor.Name.StartsWith(start, StringComparison.Ordinal)).Select(tensor => tensor with { Name = tensor.Name[start.Length..] }).ToArray());
        _byName = Tensors.ToDictionary(static tensor => tensor.Name, StringComparer.Ordinal);
        Start = start;
    }

    public override string FormatName => _file.FormatName;

    public override IReadOnlyList<TensorEntry> Tensors { get; }

    public override IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    /// <summary>What the names have before them in the file.</summary>
    public string Start { get; }

    /// <summary>The file itself if the prefix is where all its tensors are, else a view. Nothing is disposed where this throws.</summary>
    /// <exception cref="FileFormatException">There is no such tensor.</exception>
    public static TensorFile Create(TensorFile file, string prefix, string sourceName)
    {
        string path = file is PyTorchCheckpoint { StateDictionaryPath: { Length: > 0 } found } ? found : string.Empty;
        if (path.Length > 0 && string.Equals(prefix, path, StringComparison.Ordinal))
        {
            return file;
        }

        // The prefix may begin with the path that the file's names leave out already.
        string inner = path.Length > 0 && prefix.StartsWith(path + ".", StringComparison.Ordinal) ? prefix[(path.Length + 1)..] : prefix;
        foreach (string start in new[] { $"{inner}.", $"{prefix}." })
        {
            var view = new PrefixedTensorFile(file, start, sourceName);
            if (view.Tensors.Count > 0)
            {
                return view;
            }
        }

        throw new FileFormatException(sourceName, $"no tensor has a name that begins with the prefix {Quote.Name(prefix + ".")}. {Choices(file, path)}");
    }

    /// <inheritdoc/>
    public override bool TryGetTensor(string name, [NotNullWhen(true)] out TensorEntry? entry)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _byName.TryGetValue(name, out entry);
    }

    /// <inheritdoc/>
    public override byte[] ReadBytes(string name) => _file.ReadBytes(Start + GetTensor(name).Name);

    public override float[] ReadSingles(string name) => _file.ReadSingles(Start + GetTensor(name).Name);

    public override double[] ReadDoubles(string name) => _file.ReadDoubles(Start + GetTensor(name).Name);

    public override long[] ReadInt64s(string name) => _file.ReadInt64s(Start + GetTensor(name).Name);

    public override void Dispose() => _file.Dispose();

    private static string Choices(TensorFile file, string path)
    {
        if (path.Length > 0)
        {
            return $"All tensors are in {Quote.Name(path)}.";
        }

        string[] groups = [.. file.Tensors
            .Select(static tensor => tensor.Name.IndexOf('.', StringComparison.Ordinal) is var dot and > 0 ? tensor.Name[..dot] : null)
            .OfType<string>()
            .GroupBy(static name => name, StringComparer.Ordinal)
            .Select(static group => $"{Quote.Name(group.Key)} ({group.Count()} tensor{(group.Count() == 1 ? string.Empty : "s")})")];
        string more = groups.Length > MostChoices ? " and more" : string.Empty;
        return groups.Length == 0 ? "No name has a dot: leave the prefix out." : $"Names begin with {string.Join(", ", groups.Take(MostChoices))}{more}.";
    }
}
