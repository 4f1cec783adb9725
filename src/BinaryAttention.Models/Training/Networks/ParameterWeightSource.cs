using System.Globalization;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Networks;

/// <summary>Parameters as the source of weights of a model for inference.</summary>
internal sealed class ParameterWeightSource(ParameterSet parameters, IReadOnlyDictionary<string, string> metadata) : WeightSource
{
    public override string Name => "model in training";

    public override IEnumerable<string> TensorNames => parameters.Select(static parameter => parameter.Name);

    public override IReadOnlyDictionary<string, string> Metadata => metadata;

    public override IReadOnlyList<long>? FindShape(string name) => parameters.Find(name)?.Shape.Select(static size => (long)size).ToArray();

    public override float[] ReadSingles(string name) => Find(name).Values.ToArray();

    public override long[] ReadIntegers(string name) => throw new NotSupportedException($"{name} is a parameter, not a tensor of integers.");

    /// <summary>What no tensor says about a model, and what its origin said about its codes.</summary>
    public static Dictionary<string, string> Describe(VisionTransformerConfiguration configuration, WeightSource? origin)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["num_heads"] = configuration.HeadCount.ToString(CultureInfo.InvariantCulture),
            ["activation"] = configuration.Activation == MlpActivation.Relu ? "relu" : "gelu",
            ["image"] = string.Create(CultureInfo.InvariantCulture, $"[{configuration.ImageHeight}, {configuration.ImageWidth}]"),
        };
        if (configuration.Calibration is not null && origin?.Metadata.TryGetValue(CalibratedFormReader.MetadataKey, out string? form) == true)
        {
            metadata.Add(CalibratedFormReader.MetadataKey, form);
        }

        return metadata;
    }

    private Parameter Find(string name) => parameters.Find(name) ?? throw new KeyNotFoundException($"There is no parameter {name}.");
}
