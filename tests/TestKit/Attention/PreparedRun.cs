// A kernel run that keeps what reaches it: the operands that a calibrated call gives its kernel, as reference inputs.
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;
using BinaryAttention.Shapes;

namespace TestKit.Attention;

internal sealed class PreparedRun(AttentionSpecification specification) : KernelRun
{
    private ReferenceOperand? _query;
    private ReferenceOperand? _key;
    private ReferenceOperand? _value;

    public ReferenceInputs Inputs => new(specification, _query!, _key!, _value!);

    public override long PackedBytes => 0;

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken)
    {
        AttentionShape shape = specification.Shape;
        _key = ReferenceOperand.Copy(key, shape.BatchSize, shape.KeyHeadCount, shape.KeyLength, shape.HeadDimension);
        _value = ReferenceOperand.Copy(value, shape.BatchSize, shape.KeyHeadCount, shape.KeyLength, shape.ValueDimension);
    }

    public override void SetQuery(TokenView query, CancellationToken cancellationToken)
    {
        AttentionShape shape = specification.Shape;
        _query = ReferenceOperand.Copy(query, shape.BatchSize, shape.HeadCount, shape.QueryLength, shape.HeadDimension);
    }

    public override unsafe void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken) => throw new NotSupportedException("Only the inputs are wanted.");

    public override void Dispose()
    {
    }
}
