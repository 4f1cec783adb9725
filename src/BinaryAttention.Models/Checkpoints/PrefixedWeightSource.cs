namespace BinaryAttention.Models.Checkpoints;

/// <summary>The tensors of a source whose names begin with a prefix and a dot, named without it.</summary>
internal sealed class PrefixedWeightSource(WeightSource source, string prefix) : WeightSource
{
    private readonly string _start = $"{prefix}.";

    public override string Name => source.Name;

    public override IEnumerable<string> TensorNames => source.TensorNames.Where(name => name.StartsWith(_start, StringComparison.Ordinal)).Select(name => name[_start.Length..]);

    public override IReadOnlyDictionary<string, string> Metadata => source.Metadata;

    public override IReadOnlyList<long>? FindShape(string name) => source.FindShape(_start + name);

    public override float[] ReadSingles(string name) => source.ReadSingles(_start + name);

    public override long[] ReadIntegers(string name) => source.ReadIntegers(_start + name);

    internal override string StoredName(string name) => source.StoredName(_start + name);
}
