using BinaryAttention.Shapes;

namespace BinaryAttention.Cuda.Hosting;

/// <summary>The four operands of a call in pinned host memory, checked against one another.</summary>
internal readonly unsafe struct HostOperands
{
    public required float* Query { get; init; }

    public required float* Key { get; init; }

    public required float* Value { get; init; }

    public required float* Destination { get; init; }

    public required OperandExtent QueryExtent { get; init; }

    public required OperandExtent KeyExtent { get; init; }

    public required OperandExtent ValueExtent { get; init; }

    public required OperandExtent DestinationExtent { get; init; }

    /// <summary>The sizes, after every check that the CPU's door makes too.</summary>
    public AttentionShape CheckedShape()
    {
        AttentionShape shape = ShapeChecks.Match(QueryExtent, KeyExtent, ValueExtent, DestinationExtent);
        ShapeChecks.DestinationStrides(DestinationExtent);
        ShapeChecks.NoOverlap(Destination, DestinationExtent, Query, QueryExtent);
        ShapeChecks.NoOverlap(Destination, DestinationExtent, Key, KeyExtent);
        ShapeChecks.NoOverlap(Destination, DestinationExtent, Value, ValueExtent);
        return shape;
    }

    /// <summary>Refuses a log-sum-exp buffer of another length or over another operand.</summary>
    public void CheckLogSumExp(float* logSumExp, int length, in AttentionShape shape)
    {
        ShapeChecks.LogSumExp(length, shape);
        ShapeChecks.NoOverlap(logSumExp, length, Destination, DestinationExtent);
        ShapeChecks.NoOverlap(logSumExp, length, Query, QueryExtent);
        ShapeChecks.NoOverlap(logSumExp, length, Key, KeyExtent);
        ShapeChecks.NoOverlap(logSumExp, length, Value, ValueExtent);
    }
}
