// A golden state dictionary as a source of weights for the library: stored tensors, and those that the file gives by formula.
using BinaryAttention.Models.Checkpoints;

namespace GoldenVectors;

internal sealed class VitWeightSource : WeightSource
{
    private readonly Dictionary<string, GoldenTensor> _tensors;

    public VitWeightSource(GoldenFile file)
    {
        Name = file.FileName;
        Metadata = file.Metadata;
        _tensors = file.Names.ToDictionary(name => name, file.Input, StringComparer.Ordinal);
        foreach ((string name, FormulaWeight formula) in file.FormulaWeights())
        {
            _tensors.Add(name, new GoldenTensor(name, "F32", formula.Shape, Array.ConvertAll(formula.Make(), static value => (double)value)));
        }
    }

    public override string Name { get; }

    public override IReadOnlyDictionary<string, string> Metadata { get; }

    public override IEnumerable<string> TensorNames => _tensors.Keys;

    public override IReadOnlyList<long>? FindShape(string name) => _tensors.TryGetValue(name, out GoldenTensor? tensor) ? Array.ConvertAll(tensor.Shape, static size => (long)size) : null;

    public override float[] ReadSingles(string name) => _tensors[name].ToSingles();

    public override long[] ReadIntegers(string name) => Array.ConvertAll(_tensors[name].Values, static value => (long)value);

    public double[] ReadDoubles(string name) => _tensors[name].Values;
}
