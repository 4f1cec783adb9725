namespace BinaryAttention.Tests.Backward;

/// <summary>All gradients of one call, dense <c>[batch, heads, tokens, channels]</c>.</summary>
internal sealed record BackwardResult(float[] Query, float[] Key, float[] Value, float[] Bias, float[] BiasKeyFactors, float[] RowWeights, float[] ColumnWeights)
{
    public IEnumerable<(string Name, float[] Values)> All =>
    [
        ("query", Query), ("key", Key), ("value", Value), ("bias", Bias), ("key factors", BiasKeyFactors), ("row weights", RowWeights), ("column weights", ColumnWeights),
    ];
}
