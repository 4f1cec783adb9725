// One operand of a call over host spans on its way to or from the device. An operand that fills its range of memory is copied as it lies, in one piece, and the kernels
// read it through its own strides. One with gaps (a third of a fused projection, a slice) is gathered into a dense piece first, or scattered from one afterwards, so that
// gaps are neither sent nor overwritten.
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Shapes;

namespace BinaryAttention.Cuda.Hosting;

internal readonly unsafe struct StagedOperand
{
    private readonly float* _data;
    private readonly OperandExtent _extent;

    public StagedOperand(float* data, in OperandExtent extent)
    {
        _data = data;
        _extent = extent;
        long elements = (long)extent.Batch * extent.Heads * extent.Tokens * extent.Dimension;

        // As many elements as the range is long, and none twice (destinations are checked; an operand read twice has a stride of 0 and a shorter range).
        IsDense = elements == extent.LastElement + 1 && extent.TokenStride != 0 && (extent.HeadStride != 0 || extent.Heads == 1) && (extent.BatchStride != 0 || extent.Batch == 1);
        Bytes = elements * sizeof(float);
        Strides = IsDense
            ? new OperandStrides(extent.BatchStride, extent.HeadStride, extent.TokenStride)
            : OperandStrides.Dense(extent.Heads, extent.Tokens, extent.Dimension);
    }

    /// <summary>Whether the operand travels as it lies.</summary>
    public bool IsDense { get; }

    /// <summary>Bytes on the device.</summary>
    public long Bytes { get; }

    /// <summary>Bytes of page-locked memory that the operand needs on its way.</summary>
    public long PinnedBytes => IsDense ? 0 : Bytes;

    /// <summary>Strides on the device.</summary>
    public OperandStrides Strides { get; }

    /// <summary>The memory to send: the operand itself, or its gathered copy.</summary>
    /// <param name="pinned">Room for <see cref="PinnedBytes"/>.</param>
    public void* Gather(nint pinned)
    {
        if (IsDense)
        {
            return _data;
        }

        CopyTokens(pinned, gathers: true);
        return (void*)pinned;
    }

    /// <summary>The memory to receive into, before <see cref="Scatter"/>.</summary>
    public void* Receiver(nint pinned) => IsDense ? _data : (void*)pinned;

    /// <summary>Moves a received dense copy to its place.</summary>
    public void Scatter(nint pinned)
    {
        if (!IsDense)
        {
            CopyTokens(pinned, gathers: false);
        }
    }

    private void CopyTokens(nint pinned, bool gathers)
    {
        int dimension = _extent.Dimension;
        long bytes = (long)dimension * sizeof(float);
        float* dense = (float*)pinned;
        for (int batch = 0; batch < _extent.Batch; batch++)
        {
            for (int head = 0; head < _extent.Heads; head++)
            {
                for (int token = 0; token < _extent.Tokens; token++, dense += dimension)
                {
                    float* place = _data + (batch * (long)_extent.BatchStride) + (head * (long)_extent.HeadStride) + (token * (long)_extent.TokenStride);
                    Buffer.MemoryCopy(gathers ? place : dense, gathers ? dense : place, bytes, bytes);
                }
            }
        }
    }
}
