namespace TestKit.Attention;

/// <summary>What a call wrote.</summary>
/// <param name="Output"><c>[batch, heads, queryLength, valueDimension]</c>, whatever the layout of the call was.</param>
/// <param name="LogSumExp"><c>[batch, heads, queryLength]</c>.</param>
public sealed record AttentionResult(float[] Output, float[] LogSumExp);
