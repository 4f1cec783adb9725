// Lengths and strides of one operand before its memory is pinned, and the range of elements it touches.
namespace BinaryAttention.Shapes;

internal readonly record struct OperandExtent(string Name, int Batch, int Heads, int Tokens, int Dimension, nint BatchStride, nint HeadStride, nint TokenStride)
{
    /// <summary>Index of the last element that the operand touches.</summary>
    public long LastElement =>
        ((Batch - 1) * (long)BatchStride) + ((Heads - 1) * (long)HeadStride) + ((Tokens - 1) * (long)TokenStride) + (Dimension - 1);

    public unsafe TokenView View(float* data) => new(data, BatchStride, HeadStride, TokenStride);
}
