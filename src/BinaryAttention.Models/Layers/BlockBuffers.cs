// The activations of a stack of transformer blocks, kept between calls: O(tokens * width) numbers whatever the attention.
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal sealed class BlockBuffers
{
    private readonly AlignedBuffer _tokens;
    private readonly AlignedBuffer _normalised;
    private readonly AlignedBuffer _attended;
    private readonly AlignedBuffer _wide;

    public BlockBuffers(int rows, int width, int attentionWidth, int wide)
    {
        Rows = rows;
        _tokens = new AlignedBuffer(checked(rows * width));
        _normalised = new AlignedBuffer(checked(rows * width));
        _attended = new AlignedBuffer(checked(rows * Math.Max(width, attentionWidth)));
        _wide = new AlignedBuffer(checked(rows * wide));
    }

    /// <summary>Tokens that fit.</summary>
    public int Rows { get; }

    /// <summary>The residual stream <c>[rows, width]</c>.</summary>
    public Span<float> Tokens => _tokens.Span;

    /// <summary>A normalised copy of the tokens.</summary>
    public Span<float> Normalised => _normalised.Span;

    /// <summary>The output of the attention <c>[rows, attention width]</c>.</summary>
    public Span<float> Attended => _attended.Span;

    /// <summary>The fused projection, the hidden layer of the perceptron and the unfolded patches, one after the other.</summary>
    public Span<float> Wide => _wide.Span;
}
