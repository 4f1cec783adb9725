namespace BinaryAttention.Models.Autograd.Operations;

/// <summary>One operand of an attention call: columns of the rows of a variable <c>[batch, tokens, columns]</c>, heads one after the other.</summary>
/// <param name="Source">The variable.</param>
/// <param name="Offset">First column of the first head.</param>
internal readonly record struct AttentionOperand(Variable Source, int Offset)
{
    /// <summary>Columns of the variable: the distance between tokens.</summary>
    public int Stride => Source.Shape[^1];

    public ReadOnlySpan<float> Values => Source.Buffer.Span[Offset..];
}
