// One operand or result of a call with its memory pinned.
namespace BinaryAttention.Shapes;

internal readonly unsafe struct OperandMemory(float* data, OperandExtent extent)
{
    public float* Data { get; } = data;

    public OperandExtent Extent { get; } = extent;

    public TokenView View => Extent.View(Data);

    /// <summary>Refuses a span that is shorter than its extent.</summary>
    public static OperandMemory Create(float* data, int length, in OperandExtent extent)
    {
        ShapeChecks.Length(length, extent);
        return new OperandMemory(data, extent);
    }

    /// <summary>A plain run of numbers; length 0 touches nothing.</summary>
    public static OperandMemory Dense(float* data, int length, string name) => new(data, new OperandExtent(name, 1, 1, 1, length, 0, 0, 0));
}
