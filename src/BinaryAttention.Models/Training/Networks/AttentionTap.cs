using BinaryAttention.Models.Autograd;

namespace BinaryAttention.Models.Training.Networks;

/// <summary>The operands of one block's attention, for losses that compare attention maps.</summary>
/// <param name="Block">The block, from 0.</param>
/// <param name="Source">Queries and keys in the columns of every row <c>[batch, tokens, columns]</c>: queries of all heads first, then keys.</param>
/// <param name="HeadCount">Heads.</param>
/// <param name="HeadDimension">Channels of a query and of a key, or signs of a code.</param>
/// <param name="Options">The options of the attention.</param>
/// <param name="Bias">Its learned bias, or null.</param>
public sealed record AttentionTap(int Block, Variable Source, int HeadCount, int HeadDimension, AttentionOptions Options, LearnedBias? Bias)
{
    /// <summary>Whether a bias per key and head follows in the columns: codes of a calibrated model.</summary>
    public bool CarriesKeyBias { get; init; }
}
