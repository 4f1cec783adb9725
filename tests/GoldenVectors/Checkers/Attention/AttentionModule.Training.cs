// The module through the library's training code.
using BinaryAttention;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Autograd.Operations;

namespace GoldenVectors.Checkers.Attention;

internal sealed partial class AttentionModule
{
    /// <summary>Output and all gradients of sum(out * grad_out) by name, from the tape.</summary>
    public (double[] Output, IReadOnlyDictionary<string, double[]> Gradients) Train(AttentionFlags flags)
    {
        using var tape = new Tape();
        Parameter qkvWeight = Create("qkv.weight", _qkvWeight, 3 * Sizes.Width, Sizes.Width), projWeight = Create("proj.weight", _projWeight, Sizes.Width, Sizes.Width);
        Parameter? qkvBias = _qkvBias is null ? null : Create("qkv.bias", _qkvBias, 3 * Sizes.Width), projBias = _projBias is null ? null : Create("proj.bias", _projBias, Sizes.Width);
        Parameter? table = flags.HasBias ? Create("relative_position_bias_table", Array.ConvertAll(Table!, static value => (double)value), Table!.Length / Sizes.HeadCount, Sizes.HeadCount) : null;
        Variable x = tape.Leaf(Singles(_x), "x", Sizes.BatchSize, Sizes.TokenCount, Sizes.Width);
        Variable projected = x.Linear(qkvWeight, qkvBias);
        projected.IsRetained = true;
        AttentionOptions options = flags.IsBinary ? new BinaryAttentionOptions { Quantization = flags.Is8Bit ? ValueQuantization.TrainingParity : ValueQuantization.Full } : new AttentionOptions();
        Variable output = projected.SelfAttention(Sizes.HeadCount, options, table is null ? null : LearnedBias.RelativePosition(table, Sizes.GridHeight, Sizes.GridWidth)).Linear(projWeight, projBias);
        output.IsRetained = true;
        tape.Backward(output.WeightedSum(Singles(_outputGradient)));
        var gradients = new Dictionary<string, double[]>(StringComparer.Ordinal) { ["x"] = Widen(x.Gradient), ["qkv_out"] = Widen(projected.Gradient) };
        foreach (Parameter parameter in new[] { qkvWeight, qkvBias, projWeight, projBias, table }.OfType<Parameter>())
        {
            gradients.Add(parameter.Name, Widen(parameter.Gradient));
        }

        return (Widen(output.Values), gradients);
    }

    private static Parameter Create(string name, double[] values, params int[] shape)
    {
        var parameter = new Parameter(name, shape);
        Singles(values).CopyTo(parameter.Values);
        return parameter;
    }

    private static double[] Widen(ReadOnlySpan<float> values) => Array.ConvertAll(values.ToArray(), static value => (double)value);
}
