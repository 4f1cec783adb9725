using BinaryAttention.Formats.Checkpoints;

namespace BinaryAttention.Models.Checkpoints;

/// <summary>
/// Where a model's weights come from: named tensors with shapes, read one at a time. Files of tensors are one (<see cref="FromTensorFile"/>); derive from
/// this class to load from elsewhere.
/// </summary>
public abstract class WeightSource
{
    /// <summary>A name for messages, such as the path.</summary>
    public abstract string Name { get; }

    /// <summary>The names of all tensors.</summary>
    public abstract IEnumerable<string> TensorNames { get; }

    /// <summary>Free-form remarks of the file; empty by default.</summary>
    public virtual IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The epsilon of layer norms in models with this naming.</summary>
    internal virtual float UsualLayerNormEpsilon => 1e-6f;

    /// <summary>Whether queries may be wider or narrower than the tokens in models with this naming.</summary>
    internal virtual bool HasFreeAttentionWidth => false;

    /// <summary>The shape of a tensor, or null if there is none of that name.</summary>
    /// <param name="name">The exact name.</param>
    public abstract IReadOnlyList<long>? FindShape(string name);

    /// <summary>Reads a tensor as float32, row-major.</summary>
    /// <param name="name">The exact name of a tensor that exists.</param>
    public abstract float[] ReadSingles(string name);

    /// <summary>Reads a tensor of integers, row-major.</summary>
    /// <param name="name">The exact name of a tensor that exists.</param>
    public abstract long[] ReadIntegers(string name);

    /// <summary>The name that the file itself has for a tensor, for messages.</summary>
    internal virtual string StoredName(string name) => name;

    /// <summary>The tensors of an open safetensors file, which must stay open while they are read.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">A name for messages.</param>
    public static WeightSource FromSafeTensors(SafeTensorsFile file, string name = "safetensors")
    {
        ArgumentNullException.ThrowIfNull(file);
        return FromTensorFile(file, name);
    }

    /// <summary>The tensors of an open PyTorch checkpoint, which must stay open while they are read.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">A name for messages.</param>
    public static WeightSource FromPyTorch(PyTorchCheckpoint file, string name = "pth")
    {
        ArgumentNullException.ThrowIfNull(file);
        return FromTensorFile(file, name);
    }

    /// <summary>The arrays of an open NumPy archive, which must stay open while they are read.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">A name for messages.</param>
    public static WeightSource FromNpz(NpzFile file, string name = "npz")
    {
        ArgumentNullException.ThrowIfNull(file);
        return FromTensorFile(file, name);
    }

    /// <summary>The tensors of an open file of any format that <see cref="TensorFile.Open"/> reads; it must stay open while they are read.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">A name for messages.</param>
    public static WeightSource FromTensorFile(TensorFile file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(name);
        return new TensorFileWeightSource(file, name);
    }
}
