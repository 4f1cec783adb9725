// One worker's memory for a block of rows on its way through the layers between two attentions: small enough to stay in the second-level cache, however long the sequence.
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal sealed unsafe class RowScratch
{
    // What the widest rows of a block may take: about half of a second-level cache of 1 MiB, the rest being weights.
    private const int WideBytes = 576 * 1024;
    private const int LargestBlock = 192;
    private const int SmallestBlock = 24;

    private readonly AlignedBuffer<float> _normalised;
    private readonly AlignedBuffer<float> _wide;

    public RowScratch(int rows, int width, int wide)
    {
        _normalised = new AlignedBuffer<float>(checked(rows * width));
        _wide = new AlignedBuffer<float>(checked(rows * wide));
    }

    /// <summary>Room for <c>[rows, width]</c>.</summary>
    public float* Normalised => _normalised.Pointer;

    /// <summary>Room for <c>[rows, wide]</c>: hidden channels or unfolded patches.</summary>
    public float* Wide => _wide.Pointer;

    /// <summary>Room for 8-bit activations.</summary>
    public EightBitRows Quantized { get; } = new();

    /// <summary>Rows of a block whose widest layer has so many channels.</summary>
    public static int BlockRows(int wide) => Math.Clamp(WideBytes / sizeof(float) / wide, SmallestBlock, LargestBlock);
}
