// The ViT of vit-pytorch in double and plain loops, written from its formulas over the stored names and layouts: it knows nothing of the official names.
using TestKit.Numerics;

namespace BinaryAttention.Models.Tests.Vision;

internal sealed class PlainVitPytorch(Func<string, float[]?> find, VitPytorchLayout layout, int side, int patch, int width, int depth)
{
    private const double Epsilon = 1e-5;

    /// <summary>Logits of one image <c>[channels, side, side]</c>.</summary>
    public double[] Forward(float[] image)
    {
        double[][] tokens = [Read("cls_token"), .. Patches(image)];
        double[] positions = Read("pos_embedding");
        tokens = [.. tokens.Select((token, i) => Sum(token, positions[(i * width)..((i + 1) * width)]))];
        for (int block = 0; block < depth; block++)
        {
            (string norm1, string qkv, string output, string norm2, string expand, string contract) = layout.Block(block);
            double[][] attended = Attend([.. tokens.Select(token => Linear(qkv, Norm(norm1, token)))]);
            tokens = [.. tokens.Select((token, i) => Sum(token, find(output + ".weight") is null ? attended[i] : Linear(output, attended[i])))];
            tokens = [.. tokens.Select(token => Sum(token, Linear(contract, Array.ConvertAll(Linear(expand, Norm(norm2, token)), Activate))))];
        }

        return Linear(layout.Head, Norm(layout.Norm, tokens[0]));
    }

    // b c (h p1) (w p2) -> b (h w) (p1 p2 c)
    private IEnumerable<double[]> Patches(float[] image)
    {
        for (int top = 0; top < side; top += patch)
        {
            for (int left = 0; left < side; left += patch)
            {
                var values = new List<double>();
                for (int y = 0; y < patch; y++)
                {
                    for (int x = 0; x < patch; x++)
                    {
                        for (int channel = 0; channel < layout.Channels; channel++)
                        {
                            values.Add(image[(((channel * side) + top + y) * side) + left + x]);
                        }
                    }
                }

                double[] unfolded = [.. values];
                yield return layout.HasPatchNorms
                    ? Norm("to_patch_embedding.3", Linear(layout.Projection, Norm("to_patch_embedding.1", unfolded)))
                    : Linear(layout.Projection, unfolded);
            }
        }
    }

    private double[][] Attend(double[][] projected)
    {
        int dimension = layout.HeadDimension, inner = layout.Heads * dimension;
        double[][] result = [.. projected.Select(_ => new double[inner])];
        for (int start = 0; start < inner; start += dimension)
        {
            for (int query = 0; query < projected.Length; query++)
            {
                double[] logits = [.. projected.Select(key => Enumerable.Range(start, dimension).Sum(c => projected[query][c] * key[inner + c]) / Math.Sqrt(dimension))];
                double largest = logits.Max();
                double[] weights = Array.ConvertAll(logits, logit => Math.Exp(logit - largest));
                double sum = weights.Sum();
                for (int c = start; c < start + dimension; c++)
                {
                    result[query][c] = projected.Select((value, key) => weights[key] * value[(2 * inner) + c]).Sum() / sum;
                }
            }
        }

        return result;
    }

    private double Activate(double value) => layout.IsRelu ? Math.Max(value, 0) : value * NormalDistribution.Below(value);

    private double[] Linear(string name, double[] x)
    {
        double[] weight = Read(name + ".weight");
        double[] bias = find(name + ".bias") is { } stored ? Array.ConvertAll(stored, static value => (double)value) : new double[weight.Length / x.Length];
        return [.. bias.Select((start, row) => start + x.Select((value, column) => value * weight[(row * x.Length) + column]).Sum())];
    }

    private double[] Norm(string name, double[] x)
    {
        double[] weight = Read(name + ".weight"), bias = Read(name + ".bias");
        double mean = x.Average(), deviation = Math.Sqrt(x.Select(value => (value - mean) * (value - mean)).Average() + Epsilon);
        return [.. x.Select((value, i) => ((value - mean) / deviation * weight[i]) + bias[i])];
    }

    private double[] Read(string name) => Array.ConvertAll(find(name)!, static value => (double)value);

    private static double[] Sum(double[] left, double[] right) => [.. left.Zip(right, static (a, b) => a + b)];
}
