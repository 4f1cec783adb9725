namespace BinaryAttention;

/// <summary>The order of the two middle dimensions of every operand and of the destination.</summary>
public enum TensorLayout
{
    /// <summary><c>[batch, heads, tokens, dimension]</c>, often written HND. The default.</summary>
    HeadTokenDimension = 0,

    /// <summary><c>[batch, tokens, heads, dimension]</c>, often written NHD: what a fused projection leaves behind. Read in place.</summary>
    TokenHeadDimension = 1,
}
