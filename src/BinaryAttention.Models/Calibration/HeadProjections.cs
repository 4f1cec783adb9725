namespace BinaryAttention.Models.Calibration;

/// <summary>The projections of one head out of a fused one.</summary>
/// <param name="Query">Rows of the queries <c>[dimension, width]</c>.</param>
/// <param name="QueryBias">Their bias, or empty.</param>
/// <param name="Key">Rows of the keys.</param>
/// <param name="KeyBias">Their bias, or empty.</param>
internal sealed record HeadProjections(float[] Query, float[] QueryBias, float[] Key, float[] KeyBias)
{
    /// <summary>Cuts one head out of <c>[3 * inner, width]</c>, queries, keys and values one below the other.</summary>
    public static HeadProjections Cut(float[] weight, float[] bias, int head, int dimension, int inner)
    {
        int width = weight.Length / (3 * inner), first = head * dimension;
        float[] Rows(int row) => weight.AsSpan(row * width, dimension * width).ToArray();
        float[] Biases(int row) => bias.Length == 0 ? [] : bias.AsSpan(row, dimension).ToArray();
        return new HeadProjections(Rows(first), Biases(first), Rows(inner + first), Biases(inner + first));
    }
}
