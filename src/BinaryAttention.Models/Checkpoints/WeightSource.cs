using BinaryAttention.Formats.Checkpoints;

namespace BinaryAttention.Models.Checkpoints;

/// <summary>
/// Where a model's weights come from: named tensors with shapes, read one at a time. A safetensors file is one (<see cref="FromSafeTensors"/>); derive from this
/// class to load from elsewhere.
/// </summary>
public abstract class WeightSource
{
    /// <summary>A name for messages, such as the path.</summary>
    public abstract string Name { get; }

    /// <summary>The names of all tensors.</summary>
    public abstract IEnumerable<string> TensorNames { get; }

    /// <summary>Free-form remarks of the file; empty by default.</summary>
    public virtual IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The shape of a tensor, or null if there is none of that name.</summary>
    /// <param name="name">The exact name.</param>
    public abstract IReadOnlyList<long>? FindShape(string name);

    /// <summary>Reads a tensor as float32, row-major.</summary>
    /// <param name="name">The exact name of a tensor that exists.</param>
    public abstract float[] ReadSingles(string name);

    /// <summary>Reads a tensor of integers, row-major.</summary>
    /// <param name="name">The exact name of a tensor that exists.</param>
    public abstract long[] ReadIntegers(string name);

    /// <summary>The tensors of an open safetensors file, which must stay open while they are read.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">A name for messages.</param>
    public static WeightSource FromSafeTensors(SafeTensorsFile file, string name = "safetensors")
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(name);
        return new SafeTensorsWeightSource(file, name);
    }
}
