// A checkpoint of random numbers for any configuration, from which tensors can be taken away, reshaped or added.
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Tests.Vision;

internal sealed class RandomWeights : WeightSource
{
    private int _seed = 1000;

    public RandomWeights(VisionTransformerConfiguration configuration)
    {
        int width = configuration.Width, hidden = configuration.HiddenWidth;
        Add("cls_token", 1, 1, width);
        if (configuration.HasDistillationToken)
        {
            Add("dist_token", 1, 1, width);
            Linear("head_dist", configuration.ClassCount, width);
        }

        Add("pos_embed", 1, configuration.TokenCount, width);
        Add("patch_embed.proj.weight", width, configuration.ChannelCount, configuration.PatchSize, configuration.PatchSize);
        Add("patch_embed.proj.bias", width);
        for (int block = 0; block < configuration.Depth; block++)
        {
            Norm($"blocks.{block}.norm1", width);
            Linear($"blocks.{block}.attn.qkv", 3 * width, width);
            Linear($"blocks.{block}.attn.proj", width, width);
            Norm($"blocks.{block}.norm2", width);
            Linear($"blocks.{block}.mlp.fc1", hidden, width);
            Linear($"blocks.{block}.mlp.fc2", width, hidden);
            if (configuration.HasRelativePositionBias)
            {
                Add($"blocks.{block}.attn.relative_position_bias_table", configuration.RelativePositionCount, configuration.HeadCount);
            }
        }

        Norm("norm", width);
        Linear("head", configuration.ClassCount, width);
    }

    public Dictionary<string, (long[] Shape, float[] Values)> Tensors { get; } = new(StringComparer.Ordinal);

    public override string Name => "random.safetensors";

    public Dictionary<string, string> Remarks { get; } = new(StringComparer.Ordinal);

    public override IReadOnlyDictionary<string, string> Metadata => Remarks;

    public override IEnumerable<string> TensorNames => Tensors.Keys;

    public override IReadOnlyList<long>? FindShape(string name) => Tensors.TryGetValue(name, out (long[] Shape, float[] Values) tensor) ? tensor.Shape : null;

    public override float[] ReadSingles(string name) => Tensors[name].Values;

    public override long[] ReadIntegers(string name) => Array.ConvertAll(Tensors[name].Values, static value => (long)value);

    public double[] ReadDoubles(string name) => Array.ConvertAll(Tensors[name].Values, static value => (double)value);

    public void Add(string name, params long[] shape) =>
        Tensors[name] = (shape, RandomValues.Uniform(_seed++, (int)shape.Aggregate(1L, static (product, size) => product * size), name.EndsWith("weight", StringComparison.Ordinal) && shape.Length > 1 ? 0.3f : 1));

    private void Linear(string name, int outputs, int inputs)
    {
        Add(name + ".weight", outputs, inputs);
        Add(name + ".bias", outputs);
    }

    private void Norm(string name, int width)
    {
        Add(name + ".weight", width);
        Add(name + ".bias", width);
    }
}
