// A checkpoint of random numbers under the names of vit-pytorch.
using BinaryAttention.Models.Checkpoints;

namespace BinaryAttention.Models.Tests.Vision;

internal sealed class VitPytorchWeights : WeightSource
{
    private int _seed = 5000;

    public VitPytorchWeights(VitPytorchLayout layout)
    {
        const int width = VitPytorchLayout.Width;
        int patch = VitPytorchLayout.Patch * VitPytorchLayout.Patch * layout.Channels, inner = layout.Heads * layout.HeadDimension;
        long[] one = layout.HasLeadingOne ? [1] : [];
        Add("pos_embedding", [.. one, VitPytorchLayout.Patches + 1, width]);
        Add("cls_token", [.. one, 1, width]);
        Linear(layout.Projection, width, patch);
        if (layout.HasPatchNorms)
        {
            Norm("to_patch_embedding.1", patch);
            Norm("to_patch_embedding.3", width);
        }

        for (int block = 0; block < VitPytorchLayout.Depth; block++)
        {
            (string norm1, string qkv, string output, string norm2, string expand, string contract) = layout.Block(block);
            Norm(norm1, width);
            Add(qkv + ".weight", 3 * inner, width);
            if (layout.HasProjection)
            {
                Linear(output, width, inner);
            }

            Norm(norm2, width);
            Linear(expand, VitPytorchLayout.Hidden, width);
            Linear(contract, width, VitPytorchLayout.Hidden);
        }

        Norm(layout.Norm, width);
        Linear(layout.Head, VitPytorchLayout.Classes, width);
    }

    public Dictionary<string, (long[] Shape, float[] Values)> Tensors { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Remarks { get; } = new(StringComparer.Ordinal);

    public override string Name => "random.pt";

    public override IReadOnlyDictionary<string, string> Metadata => Remarks;

    public override IEnumerable<string> TensorNames => Tensors.Keys;

    public override IReadOnlyList<long>? FindShape(string name) => Tensors.TryGetValue(name, out (long[] Shape, float[] Values) tensor) ? tensor.Shape : null;

    public override float[] ReadSingles(string name) => Tensors[name].Values;

    public override long[] ReadIntegers(string name) => throw new NotSupportedException("There are no integers.");

    public void Add(string name, params long[] shape) =>
        Tensors[name] = (shape, RandomValues.Uniform(_seed++, (int)shape.Aggregate(1L, static (product, size) => product * size), name.EndsWith("weight", StringComparison.Ordinal) && shape.Length > 1 ? 0.3f : 1));

    /// <summary>Gives every tensor a longer name, as a dictionary within a dictionary does.</summary>
    public void PutBelow(string prefix)
    {
        foreach ((string name, (long[] Shape, float[] Values) tensor) in Tensors.ToArray())
        {
            Tensors.Remove(name);
            Tensors.Add($"{prefix}.{name}", tensor);
        }
    }

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
