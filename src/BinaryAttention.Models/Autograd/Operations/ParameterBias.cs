using System.Numerics.Tensors;

namespace BinaryAttention.Models.Autograd.Operations;

/// <summary>A bias that is a parameter.</summary>
internal sealed class ParameterBias(LearnedBias bias) : IBiasSource
{
    public bool NeedsGradient => bias.Parameter.IsTrainable;

    public AttentionBias Create() => bias.Create();

    public void Add(ReadOnlySpan<float> gradient, ReadOnlySpan<float> keyFactors) => TensorPrimitives.Add(bias.Parameter.Gradient, gradient, bias.Parameter.Gradient);
}
