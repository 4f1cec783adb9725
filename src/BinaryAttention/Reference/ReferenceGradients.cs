// Gradients of one call, dense row-major and in double. All start at zero and are added to.
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal sealed class ReferenceGradients(ReferenceInputs inputs)
{
    private readonly AttentionShape _shape = inputs.Specification.Shape;

    /// <summary><c>[batch, heads, queryLength, headDimension]</c>.</summary>
    public double[] Query { get; } = new double[inputs.Query.Length];

    /// <summary><c>[batch, keyHeads, keyLength, headDimension]</c>.</summary>
    public double[] Key { get; } = new double[inputs.Key.Length];

    /// <summary><c>[batch, keyHeads, keyLength, valueDimension]</c>.</summary>
    public double[] Value { get; } = new double[inputs.Value.Length];

    /// <summary>In the layout of <see cref="AttentionBias.Values"/>; empty without a bias.</summary>
    public double[] Bias { get; } = new double[inputs.Bias?.Length ?? 0];

    /// <summary>Of a low-rank bias's key factors, in the layout of <see cref="AttentionBias.KeyFactors"/>; empty for other biases.</summary>
    public double[] BiasKeyFactors { get; } = new double[inputs.Bias?.KeyFactorLength ?? 0];

    /// <summary>Of learned row weights <c>[batch, heads, queryLength]</c>, else empty.</summary>
    public double[] RowWeights { get; } = new double[inputs.Specification.Weighting.RowWeights.Length];

    /// <summary>Of learned column weights <c>[batch, keyHeads, keyLength]</c>, else empty.</summary>
    public double[] ColumnWeights { get; } = new double[inputs.Specification.Weighting.ColumnWeights.Length];

    /// <summary>Of the binarised queries, <c>rowWeight * sign</c>, before the straight-through step; laid out as <see cref="Query"/>.</summary>
    public double[] BinarisedQuery { get; } = new double[inputs.Query.Length];

    /// <summary>Of the binarised keys; laid out as <see cref="Key"/>.</summary>
    public double[] BinarisedKey { get; } = new double[inputs.Key.Length];

    /// <summary>Of the probabilities, <c>[batch, heads, queryLength, keyLength]</c>.</summary>
    public double[] Probabilities { get; } = new double[Pairs(inputs.Specification)];

    /// <summary>Of the logits, <c>[batch, heads, queryLength, keyLength]</c>.</summary>
    public double[] Logits { get; } = new double[Pairs(inputs.Specification)];

    /// <summary>Part of <see cref="Probabilities"/> or <see cref="Logits"/> that belongs to one row.</summary>
    public Span<double> Row(double[] pairs, int batch, int head, int query) =>
        pairs.AsSpan(((((batch * _shape.HeadCount) + head) * _shape.QueryLength) + query) * _shape.KeyLength, _shape.KeyLength);

    private static int Pairs(AttentionSpecification specification)
    {
        AttentionShape shape = specification.Shape;
        return checked(shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.KeyLength);
    }
}
