// The operands of one call with its specification: what every part of the reference code starts from.
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal sealed class ReferenceInputs(AttentionSpecification specification, ReferenceOperand query, ReferenceOperand key, ReferenceOperand value)
{
    public AttentionSpecification Specification { get; } = specification;

    public ReferenceOperand Query { get; } = query;

    public ReferenceOperand Key { get; } = key;

    public ReferenceOperand Value { get; } = value;

    public ReferenceBias? Bias { get; } = specification.Bias is { } bias ? new ReferenceBias(bias) : null;

    public ReferenceMask Mask { get; } = new(specification);

    /// <summary>The bias of one pair: the caller's, and what a calibration adds per key.</summary>
    public double BiasOf(int batch, int head, int query, int key)
    {
        AttentionShape shape = Specification.Shape;
        double added = Specification.AddedKeyBias is { } keyBias ? keyBias[(((batch * shape.HeadCount) + head) * shape.KeyLength) + key] : 0;
        return added + (Bias?.At(batch, head, query, key) ?? 0);
    }

    /// <summary>From dense row-major arrays, <c>[batch, heads, tokens, dimension]</c>.</summary>
    public static ReferenceInputs Create(AttentionSpecification specification, float[] query, float[] key, float[] value)
    {
        AttentionShape shape = specification.Shape;
        return new ReferenceInputs(
            specification,
            new ReferenceOperand(query, shape.BatchSize, shape.HeadCount, shape.QueryLength, shape.HeadDimension),
            new ReferenceOperand(key, shape.BatchSize, shape.KeyHeadCount, shape.KeyLength, shape.HeadDimension),
            new ReferenceOperand(value, shape.BatchSize, shape.KeyHeadCount, shape.KeyLength, shape.ValueDimension));
    }
}
