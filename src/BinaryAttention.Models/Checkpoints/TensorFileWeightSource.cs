using BinaryAttention.Formats.Checkpoints;

namespace BinaryAttention.Models.Checkpoints;

/// <summary>The tensors of an open file.</summary>
internal sealed class TensorFileWeightSource(TensorFile file, string name) : WeightSource
{
    public override string Name => name;

    public override IEnumerable<string> TensorNames => file.Tensors.Select(static tensor => tensor.Name);

    public override IReadOnlyDictionary<string, string> Metadata => file.Metadata;

    public override IReadOnlyList<long>? FindShape(string name) => file.TryGetTensor(name, out TensorEntry? entry) ? entry.Shape : null;

    public override float[] ReadSingles(string name) => file.ReadSingles(name);

    public override long[] ReadIntegers(string name) => file.ReadInt64s(name);
}
