// One operand as the kernels see it: a pointer and three strides in elements; the channel stride is always 1.
namespace BinaryAttention.Shapes;

internal readonly unsafe struct TokenView(float* data, nint batchStride, nint headStride, nint tokenStride)
{
    public float* Data { get; } = data;

    public nint BatchStride { get; } = batchStride;

    public nint HeadStride { get; } = headStride;

    public nint TokenStride { get; } = tokenStride;

    /// <summary>Token 0 of one head.</summary>
    public float* Head(int batch, int head) => Data + (batch * BatchStride) + (head * HeadStride);

    /// <summary>The first channel of one token.</summary>
    public float* Token(int batch, int head, int token) => Head(batch, head) + (token * TokenStride);
}
