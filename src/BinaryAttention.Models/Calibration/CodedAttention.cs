namespace BinaryAttention.Models.Calibration;

/// <summary>Operands of a call of one-bit attention that codes were put in place of: pass them to <see cref="Attention"/> with the values as they are.</summary>
/// <param name="Query">Codes of the queries <c>[batch, heads, tokens, codeLength]</c>.</param>
/// <param name="Key">Codes of the keys, of the same shape.</param>
/// <param name="Options">Scale, weights, planes, temperatures and the bias that belongs to these operands; change <see cref="BinaryAttentionOptions.Quantization"/> and the like as you wish.</param>
/// <param name="BatchSize">Items.</param>
/// <param name="HeadCount">Heads.</param>
/// <param name="TokenCount">Tokens of an item.</param>
/// <param name="CodeLength">Signs of a token.</param>
#pragma warning disable CA1819 // operands are arrays, as everywhere in this namespace
public sealed record CodedAttention(float[] Query, float[] Key, BinaryAttentionOptions Options, int BatchSize, int HeadCount, int TokenCount, int CodeLength)
#pragma warning restore CA1819
{
    /// <summary>The sizes of the call.</summary>
    /// <param name="valueDimension">Channels of a value.</param>
    public AttentionShape Shape(int valueDimension) => new(BatchSize, HeadCount, TokenCount, TokenCount, CodeLength, valueDimension);
}
