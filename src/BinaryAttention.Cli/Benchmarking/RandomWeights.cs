// A checkpoint of seeded random numbers for any sizes: what a forward pass costs depends on the shapes alone. Norms are near one, weights scaled so that activations keep their size.
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Benchmarking;

internal sealed class RandomWeights : WeightSource
{
    private readonly Dictionary<string, long[]> _shapes = new(StringComparer.Ordinal);
    private readonly Random _random;

    public RandomWeights(VisionTransformerConfiguration configuration, int seed)
    {
        _random = new Random(seed);
        foreach ((string name, long[] shape, bool required) in CheckpointNames.Expected(configuration))
        {
            if (required)
            {
                _shapes.Add(name, shape);
            }
        }
    }

    public override string Name => "random weights";

    public override IEnumerable<string> TensorNames => _shapes.Keys;

    public override IReadOnlyList<long>? FindShape(string name) => _shapes.GetValueOrDefault(name);

    public override float[] ReadSingles(string name)
    {
        long[] shape = _shapes[name];
        bool isScale = shape.Length == 1 && name.EndsWith("weight", StringComparison.Ordinal);
        float deviation = isScale ? 0.05f : shape.Length == 1 ? 0.02f : 1 / MathF.Sqrt(shape.Aggregate(1L, static (product, size) => product * size) / (float)shape[0]);
        float[] values = GaussianInputs.Normal(_random, shape.Aggregate(1L, static (product, size) => product * size), name);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (values[i] * deviation) + (isScale ? 1 : 0);
        }

        return values;
    }

    public override long[] ReadIntegers(string name) => throw new NotSupportedException($"{name}: random weights hold no integers.");
}
