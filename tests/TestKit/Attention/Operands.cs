namespace TestKit.Attention;

/// <summary>Dense operands, <c>[batch, heads, tokens, dimension]</c>.</summary>
/// <param name="Query">Queries.</param>
/// <param name="Key">Keys.</param>
/// <param name="Value">Values.</param>
public sealed record Operands(float[] Query, float[] Key, float[] Value);
