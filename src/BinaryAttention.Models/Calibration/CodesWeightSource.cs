// A checkpoint with codes that are not written yet: the original's tensors and the codes beside them.
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

internal sealed class CodesWeightSource : WeightSource
{
    private readonly WeightSource _original;
    private readonly Dictionary<string, (long[] Shape, float[] Values)> _codes = new(StringComparer.Ordinal);

    public CodesWeightSource(WeightSource original, ModelCodes codes)
    {
        _original = original;
        foreach (LayerCodes layer in codes.Layers)
        {
            long outputs = layer.Bias.Length;
            _codes.Add(CalibratedFormReader.Name(layer.Layer, "weight"), ([outputs, layer.Weight.Length / outputs], layer.Weight));
            _codes.Add(CalibratedFormReader.Name(layer.Layer, "bias"), ([outputs], layer.Bias));
            _codes.Add(CalibratedFormReader.Name(layer.Layer, "temperature"), ([layer.Temperature.Length], layer.Temperature));
        }

        Metadata = new Dictionary<string, string>(original.Metadata, StringComparer.Ordinal) { [CalibratedFormReader.MetadataKey] = CalibrationRecord.Write(codes, string.Empty, string.Empty) };
    }

    public override string Name => _original.Name;

    public override IEnumerable<string> TensorNames => _original.TensorNames.Concat(_codes.Keys);

    public override IReadOnlyDictionary<string, string> Metadata { get; }

    internal override float UsualLayerNormEpsilon => _original.UsualLayerNormEpsilon;

    internal override bool HasFreeAttentionWidth => _original.HasFreeAttentionWidth;

    public override IReadOnlyList<long>? FindShape(string name) => _codes.TryGetValue(name, out (long[] Shape, float[] Values) tensor) ? tensor.Shape : _original.FindShape(name);

    public override float[] ReadSingles(string name) => _codes.TryGetValue(name, out (long[] Shape, float[] Values) tensor) ? tensor.Values : _original.ReadSingles(name);

    public override long[] ReadIntegers(string name) => _original.ReadIntegers(name);

    internal override string StoredName(string name) => _codes.ContainsKey(name) ? name : _original.StoredName(name);
}
