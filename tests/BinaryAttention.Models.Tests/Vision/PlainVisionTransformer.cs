// A vision transformer in double and plain loops with exact attention, written straight from the formulas: what the fast model is compared with.
using BinaryAttention.Models.Vision;
using TestKit.Numerics;

namespace BinaryAttention.Models.Tests.Vision;

internal sealed class PlainVisionTransformer(RandomWeights weights, VisionTransformerConfiguration configuration)
{
    private readonly int _width = configuration.Width;
    private readonly int _tokens = configuration.TokenCount;

    /// <summary>Logits of one image.</summary>
    public double[] Forward(float[] image)
    {
        double[] x = Embed(image);
        for (int block = 0; block < configuration.Depth; block++)
        {
            string name = $"blocks.{block}.";
            Add(x, Linear(name + "attn.proj", Attend(Linear(name + "attn.qkv", Norm(name + "norm1", x))), _width));
            double[] hidden = Linear(name + "mlp.fc1", Norm(name + "norm2", x));
            Add(x, Linear(name + "mlp.fc2", Array.ConvertAll(hidden, static value => value * NormalDistribution.Below(value)), configuration.HiddenWidth));
        }

        double[] normalised = Norm("norm", x);
        double[] logits = Linear("head", normalised[.._width]);
        if (configuration.HasDistillationToken)
        {
            double[] distilled = Linear("head_dist", normalised[_width..(2 * _width)]);
            return [.. logits.Select((value, i) => (value + distilled[i]) / 2)];
        }

        return logits;
    }

    private double[] Embed(float[] image)
    {
        int size = configuration.PatchSize, special = configuration.SpecialTokenCount;
        double[] kernel = weights.ReadDoubles("patch_embed.proj.weight"), bias = weights.ReadDoubles("patch_embed.proj.bias");
        double[] x = weights.ReadDoubles("pos_embed");
        Add(x, weights.ReadDoubles("cls_token"));
        if (configuration.HasDistillationToken)
        {
            double[] token = weights.ReadDoubles("dist_token");
            for (int c = 0; c < _width; c++)
            {
                x[_width + c] += token[c];
            }
        }

        for (int token = special; token < _tokens; token++)
        {
            int top = (token - special) / configuration.GridWidth * size, left = (token - special) % configuration.GridWidth * size;
            for (int output = 0; output < _width; output++)
            {
                double sum = bias[output];
                for (int k = 0; k < configuration.ChannelCount * size * size; k++)
                {
                    int channel = k / (size * size), y = top + (k / size % size), column = left + (k % size);
                    sum += kernel[(output * configuration.ChannelCount * size * size) + k] * image[(((channel * configuration.ImageHeight) + y) * configuration.ImageWidth) + column];
                }

                x[(token * _width) + output] += sum;
            }
        }

        return x;
    }

    private double[] Attend(double[] projected)
    {
        int dimension = configuration.HeadDimension;
        var output = new double[_tokens * _width];
        for (int head = 0; head < configuration.HeadCount; head++)
        {
            for (int query = 0; query < _tokens; query++)
            {
                var probabilities = new double[_tokens];
                for (int key = 0; key < _tokens; key++)
                {
                    for (int c = 0; c < dimension; c++)
                    {
                        probabilities[key] += projected[(query * 3 * _width) + (head * dimension) + c] * projected[(((key * 3) + 1) * _width) + (head * dimension) + c] / Math.Sqrt(dimension);
                    }
                }

                double largest = probabilities.Max();
                probabilities = Array.ConvertAll(probabilities, value => Math.Exp(value - largest));
                double sum = probabilities.Sum();
                for (int key = 0; key < _tokens; key++)
                {
                    for (int c = 0; c < dimension; c++)
                    {
                        output[(query * _width) + (head * dimension) + c] += probabilities[key] / sum * projected[(((key * 3) + 2) * _width) + (head * dimension) + c];
                    }
                }
            }
        }

        return output;
    }

    private double[] Linear(string name, double[] x) => Linear(name, x, _width);

    private double[] Linear(string name, double[] x, int inputs)
    {
        double[] weight = weights.ReadDoubles(name + ".weight"), bias = weights.ReadDoubles(name + ".bias");
        var y = new double[x.Length / inputs * bias.Length];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = bias[i % bias.Length];
            for (int k = 0; k < inputs; k++)
            {
                y[i] += x[(i / bias.Length * inputs) + k] * weight[(i % bias.Length * inputs) + k];
            }
        }

        return y;
    }

    private double[] Norm(string name, double[] x)
    {
        double[] weight = weights.ReadDoubles(name + ".weight"), bias = weights.ReadDoubles(name + ".bias");
        var y = new double[x.Length];
        for (int first = 0; first < x.Length; first += _width)
        {
            double[] row = x[first..(first + _width)];
            double mean = row.Average(), deviation = Math.Sqrt(row.Select(value => (value - mean) * (value - mean)).Average() + configuration.LayerNormEpsilon);
            for (int i = 0; i < _width; i++)
            {
                y[first + i] = ((row[i] - mean) / deviation * weight[i]) + bias[i];
            }
        }

        return y;
    }

    private static void Add(double[] x, double[] addend)
    {
        for (int i = 0; i < addend.Length; i++)
        {
            x[i] += addend[i];
        }
    }
}
