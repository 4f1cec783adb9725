using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Networks;

/// <summary>How a vision transformer is trained.</summary>
public sealed record TrainableVisionTransformerOptions
{
    /// <summary>Exact or one-bit attention, for all blocks or for each. One-bit attention trains with the straight-through estimator, in the quantisation that it names.</summary>
    public AttentionChoice Attention { get; init; } = AttentionChoice.Exact;

    /// <summary>The probability that the last block's branches are skipped for an image; that of earlier blocks falls linearly to 0 (stochastic depth: Huang et al. 2016). 0 skips none.</summary>
    public double DropPathRate { get; init; }

    /// <summary>Whether blocks are computed again in the backward pass instead of keeping what is inside them.</summary>
    public bool RecomputesBlocks { get; init; }

    /// <summary>Draws the initial values of what no checkpoint gives, and the skipped branches.</summary>
    public Randomness Randomness { get; init; }
}
