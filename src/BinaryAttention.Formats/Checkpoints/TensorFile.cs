using System.Diagnostics.CodeAnalysis;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// An open file of named tensors, whatever its format. <see cref="Open"/> tells the format by the file's first bytes, never by its name.
/// All reads may run on several threads at once.
/// </summary>
[SuppressMessage("Design", "CA1063:Implement IDisposable Correctly", Justification = "No finalizer anywhere below: derived types live in this assembly alone.")]
public abstract class TensorFile : IDisposable
{
    private static readonly Dictionary<string, string> NoMetadata = new(StringComparer.Ordinal);

    private readonly string _sourceName;

    private protected TensorFile(string sourceName)
    {
        _sourceName = sourceName;
    }

    /// <summary>The format in words, such as <c>safetensors</c>.</summary>
    public abstract string FormatName { get; }

    /// <summary>The tensors, in the order in which the file names them.</summary>
    public abstract IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>Free-form text stored with the tensors; empty if there is none.</summary>
    public virtual IReadOnlyDictionary<string, string> Metadata => NoMetadata;

    /// <summary>Opens a safetensors file, a PyTorch checkpoint or a NumPy archive, and checks its directory.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What it may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <returns>The open file; dispose it to close it.</returns>
    /// <exception cref="FileFormatException">The file is of another format, damaged, truncated or beyond the limits.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static TensorFile Open(string path, CheckpointLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return TensorFileFormat.Create(MappedByteSource.Open(path), path, limits ?? CheckpointLimits.Default);
    }

    /// <summary>
    /// Opens a file as <see cref="Open"/> does and shows only the tensors whose names begin with a prefix and a dot, without both: <c>model_ema</c> picks one of the
    /// dictionaries of <c>{"model": {...}, "model_ema": {...}}</c>. The <see cref="PyTorchCheckpoint.StateDictionaryPath"/>, which names leave out, may be given too.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="prefix">The prefix without its last dot; null or empty shows all tensors.</param>
    /// <param name="limits">What the file may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <returns>The open file; dispose it to close it.</returns>
    /// <exception cref="FileFormatException">As of <see cref="Open"/>; or no tensor is below the prefix, the message lists what there is.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static TensorFile OpenBelow(string path, string? prefix, CheckpointLimits? limits = null)
    {
        var file = Open(path, limits);
        try
        {
            return string.IsNullOrEmpty(prefix) ? file : PrefixedTensorFile.Create(file, prefix, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Finds a tensor by its exact name.</summary>
    /// <param name="name">The name, case-sensitive.</param>
    /// <param name="entry">The tensor, or null.</param>
    /// <returns>Whether there is one.</returns>
    public abstract bool TryGetTensor(string name, [NotNullWhen(true)] out TensorEntry? entry);

    /// <summary>Finds a tensor that must be there.</summary>
    /// <param name="name">The name, case-sensitive.</param>
    /// <exception cref="FileFormatException">There is none; the message lists near names.</exception>
    public TensorEntry GetTensor(string name)
    {
        if (TryGetTensor(name, out TensorEntry? entry))
        {
            return entry;
        }

        IReadOnlyList<string> near = NearNames.Find(name, Tensors.Select(static tensor => tensor.Name), 3);
        string hint = near.Count > 0 ? $" Near names: {string.Join(", ", near.Select(Quote.Name))}." : string.Empty;
        throw new FileFormatException(_sourceName, $"there is no tensor {Quote.Name(name)} among the {Tensors.Count} of the file.{hint}");
    }

    /// <summary>Reads the raw values of a tensor.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <returns>The little-endian values in row-major order, whatever order the file has them in.</returns>
    /// <exception cref="FileFormatException">There is no such tensor, its bytes are damaged, or it has more than an array can hold.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public abstract byte[] ReadBytes(string name);

    /// <summary>Reads a tensor of any type as float32. Wider integers and float64 are rounded to nearest, everything else is exact.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <returns>The values in row-major order.</returns>
    /// <exception cref="FileFormatException">There is no such tensor, its bytes are damaged, or it has more elements than an array can hold.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public virtual float[] ReadSingles(string name)
    {
        TensorEntry entry = GetTensor(name);
        byte[] bytes = ReadBytes(name);
        var values = new float[entry.ElementCount];
        ElementConversion.ToSingles(entry.ElementType, bytes, values);
        return values;
    }

    /// <summary>Reads a tensor of any type as float64. 64-bit integers are rounded to nearest, everything else is exact.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <returns>The values in row-major order.</returns>
    /// <exception cref="FileFormatException">There is no such tensor, its bytes are damaged, or it has more elements than an array can hold.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public virtual double[] ReadDoubles(string name)
    {
        TensorEntry entry = GetTensor(name);
        byte[] bytes = ReadBytes(name);
        var values = new double[entry.ElementCount];
        ElementConversion.ToDoubles(entry.ElementType, bytes, values);
        return values;
    }

    /// <summary>Reads a tensor of an integer type or of truth values (0 and 1) as 64-bit integers.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <returns>The values in row-major order, exact.</returns>
    /// <exception cref="FileFormatException">
    /// There is no such tensor, it holds floating-point numbers, an unsigned value is beyond 64 signed bits, its bytes are damaged, or it has more elements than an array can hold.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public virtual long[] ReadInt64s(string name)
    {
        TensorEntry entry = GetTensor(name);
        if (!ElementTypeNames.IsInteger(entry.ElementType))
        {
            throw new FileFormatException(_sourceName, $"tensor {Quote.Name(name)} holds {ElementTypeNames.NameOf(entry.ElementType)} values; integers were asked for and floating-point numbers are not rounded to them. Use ReadSingles or ReadDoubles.", entry.ByteOffset);
        }

        byte[] bytes = ReadBytes(name);
        var values = new long[entry.ElementCount];
        int failed = ElementConversion.ToInt64s(entry.ElementType, bytes, values);
        return failed < 0
            ? values
            : throw new FileFormatException(_sourceName, $"element {failed} of tensor {Quote.Name(name)} is beyond {long.MaxValue}, the largest 64-bit signed integer. Use ReadDoubles.", entry.ByteOffset);
    }

    /// <summary>Closes the file. Reads under way on other threads end first.</summary>
    [SuppressMessage("Usage", "CA1816:Dispose methods should call SuppressFinalize", Justification = "No finalizer anywhere below: derived types live in this assembly alone.")]
    public abstract void Dispose();
}
