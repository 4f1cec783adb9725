// One transformer block in double, forward and backward. The attention itself is the library's double reference; it takes float32 operands, so queries, keys, values
// and the gradient of its output are rounded once (relative 6e-8).
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Models.Vision;
using BinaryAttention.Reference;

namespace GoldenVectors;

internal sealed class VitReferenceBlock(VitReferenceParameters parameters, int index, VisionTransformerConfiguration configuration, AttentionOptions attention, int batchSize)
{
    private readonly int _width = configuration.Width;
    private readonly int _tokens = configuration.TokenCount;
    private readonly double _epsilon = configuration.LayerNormEpsilon;
    private double[] _input = [];
    private double[] _middle = [];
    private double[] _attended = [];
    private double[] _hidden = [];
    private float[][] _queryKeyValue = [];

    public double[] Forward(double[] x)
    {
        _input = x;
        double[] projected = Linear("attn.qkv", Norm("norm1", x), _width);
        _queryKeyValue = [SplitHeads(projected, 0), SplitHeads(projected, 1), SplitHeads(projected, 2)];
        _attended = Attend();
        _middle = Sum(x, Linear("attn.proj", _attended, _width));
        _hidden = Linear("mlp.fc1", Norm("norm2", _middle), _width);
        return Sum(_middle, Linear("mlp.fc2", LayerReference.Gelu(_hidden), configuration.HiddenWidth));
    }

    public double[] Backward(double[] gradient)
    {
        double[] activated = LinearBackward("mlp.fc2", LayerReference.Gelu(_hidden), gradient, configuration.HiddenWidth);
        double[] expanded = LinearBackward("mlp.fc1", Norm("norm2", _middle), LayerReference.GeluBackward(_hidden, activated), _width);
        double[] middle = Sum(gradient, NormBackward("norm2", _middle, expanded));
        double[] attended = LinearBackward("attn.proj", _attended, middle, _width);
        double[] projected = LinearBackward("attn.qkv", Norm("norm1", _input), AttendBackward(attended), _width);
        return Sum(middle, NormBackward("norm1", _input, projected));
    }

    private AttentionShape Shape => new(batchSize, configuration.HeadCount, _tokens, _tokens, configuration.HeadDimension, configuration.HeadDimension) { KeyHeadCount = configuration.HeadCount };

    private double[] Attend()
    {
        var output = new float[batchSize * _tokens * _width];
        if (attention is BinaryAttentionOptions binary)
        {
            Attention.BinaryScaledDotProduct(_queryKeyValue[0], _queryKeyValue[1], _queryKeyValue[2], output, Shape, binary with { Kernel = "reference" });
        }
        else
        {
            Attention.ScaledDotProduct(_queryKeyValue[0], _queryKeyValue[1], _queryKeyValue[2], output, Shape, attention with { Kernel = "reference" });
        }

        var merged = new double[output.Length];
        MergeHeads(Array.ConvertAll(output, static value => (double)value), merged, _width, 0);
        return merged;
    }

    private double[] AttendBackward(double[] gradient)
    {
        AttentionSpecification specification = SpecificationBuilder.Build(Shape, attention, attention is BinaryAttentionOptions);
        ReferenceInputs inputs = ReferenceInputs.Create(specification, _queryKeyValue[0], _queryKeyValue[1], _queryKeyValue[2]);
        float[] outputGradient = SplitHeads(gradient, 0);
        ReferenceGradients gradients = attention is BinaryAttentionOptions ? ReferenceBinaryAttentionBackward.Run(inputs, outputGradient) : ReferenceAttentionBackward.Run(inputs, outputGradient);
        if (attention.Bias is not null)
        {
            double[] table = parameters.Gradient(CheckpointNames.RelativeTable(index));
            for (int i = 0; i < table.Length; i++)
            {
                table[i] += gradients.Bias[i];
            }
        }

        var projected = new double[batchSize * _tokens * 3 * _width];
        MergeHeads(gradients.Query, projected, 3 * _width, 0);
        MergeHeads(gradients.Key, projected, 3 * _width, _width);
        MergeHeads(gradients.Value, projected, 3 * _width, 2 * _width);
        return projected;
    }

    /// <summary>Third <paramref name="part"/> of rows <c>[batch, tokens, parts * width]</c> as <c>[batch, heads, tokens, dimension]</c>.</summary>
    private float[] SplitHeads(double[] rows, int part)
    {
        int dimension = configuration.HeadDimension, stride = rows.Length / (batchSize * _tokens);
        var heads = new float[batchSize * _tokens * _width];
        for (int i = 0; i < heads.Length; i++)
        {
            int channel = i % dimension, token = i / dimension % _tokens, head = i / (dimension * _tokens) % configuration.HeadCount, item = i / (_tokens * _width);
            heads[i] = (float)rows[(((item * _tokens) + token) * stride) + (part * _width) + (head * dimension) + channel];
        }

        return heads;
    }

    private void MergeHeads(double[] heads, double[] rows, int stride, int offset)
    {
        int dimension = configuration.HeadDimension;
        for (int i = 0; i < heads.Length; i++)
        {
            int channel = i % dimension, token = i / dimension % _tokens, head = i / (dimension * _tokens) % configuration.HeadCount, item = i / (_tokens * _width);
            rows[(((item * _tokens) + token) * stride) + offset + (head * dimension) + channel] = heads[i];
        }
    }

    private double[] Norm(string part, double[] x) => parameters.Norm(CheckpointNames.Block(index, part), x, _epsilon);

    private double[] NormBackward(string part, double[] x, double[] gradient) => parameters.NormBackward(CheckpointNames.Block(index, part), x, gradient, _epsilon);

    private double[] Linear(string part, double[] x, int inputs) => parameters.Linear(CheckpointNames.Block(index, part), x, inputs);

    private double[] LinearBackward(string part, double[] x, double[] gradient, int inputs) => parameters.LinearBackward(CheckpointNames.Block(index, part), x, gradient, inputs);

    private static double[] Sum(double[] left, double[] right)
    {
        var sum = new double[left.Length];
        for (int i = 0; i < sum.Length; i++)
        {
            sum[i] = left[i] + right[i];
        }

        return sum;
    }
}
