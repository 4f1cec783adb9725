// Copies the operands and computes row by row; one tile is one (batch, query head).
using BinaryAttention.Kernels;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Reference;

internal sealed unsafe class ReferenceRun(AttentionSpecification specification) : KernelRun
{
    private readonly TileLoop _loop = specification.CreateLoop();
    private ReferenceOperand? _query;
    private ReferenceOperand? _key;
    private ReferenceOperand? _value;

    public override long PackedBytes => sizeof(float) * (long)specification.Shape.BatchSize * specification.Shape.KeyHeadCount * specification.Shape.KeyLength * (specification.Shape.HeadDimension + specification.Shape.ValueDimension);

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

    public override void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken)
    {
        AttentionShape shape = specification.Shape;
        var inputs = new ReferenceInputs(specification, _query!, _key!, _value!);
        _loop.Run(
            shape.BatchSize * shape.HeadCount,
            (tile, _) =>
            {
                int batch = tile / shape.HeadCount;
                int head = tile % shape.HeadCount;
                ReferenceEightBitHead? eightBit = specification.IsEightBit ? new ReferenceEightBitHead(inputs, batch, head) : null;
                ReferenceBinaryHead? binary = specification.IsBinary ? new ReferenceBinaryHead(inputs, batch, head) : null;
                for (int query = 0; query < shape.QueryLength; query++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var output = new Span<float>(destination.Token(batch, head, query), shape.ValueDimension);
                    float rowLogSumExp = eightBit is not null ? ReferenceEightBitAttention.Row(eightBit, query, output)
                        : binary is null ? ReferenceExactAttention.Row(inputs, batch, head, query, output)
                        : ReferenceBinaryAttention.Row(binary, query, output);
                    if (logSumExp is not null)
                    {
                        logSumExp[((long)tile * shape.QueryLength) + query] = rowLogSumExp;
                    }
                }
            },
            cancellationToken);
    }

    public override void Dispose()
    {
        _loop.Dispose();
        _query = null;
        _key = null;
        _value = null;
    }
}
