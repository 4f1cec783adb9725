namespace BinaryAttention.Models.Autograd.Operations;

/// <summary>Attention, exact or one-bit, over fused projections. Forward and gradients are those of <see cref="Attention"/>; nothing of size tokens x tokens is stored.</summary>
public static class AttentionOperations
{
    /// <summary>Self-attention over a fused projection.</summary>
    /// <param name="queryKeyValue"><c>[batch, tokens, 3 * heads * dimension]</c>: in every row queries, keys and values, each head by head.</param>
    /// <param name="headCount">Heads.</param>
    /// <param name="options">Options of exact attention, or a <see cref="BinaryAttentionOptions"/>: signs with the straight-through estimator. Its layout, bias and thread limit are set here.</param>
    /// <param name="bias">A learned bias, or null.</param>
    /// <returns><c>[batch, tokens, heads * dimension]</c>.</returns>
    /// <exception cref="ArgumentException">Sizes or options do not fit.</exception>
    public static Variable SelfAttention(this Variable queryKeyValue, int headCount, AttentionOptions options, LearnedBias? bias = null)
    {
        ArgumentNullException.ThrowIfNull(queryKeyValue);
        ArgumentNullException.ThrowIfNull(options);
        int inner = Inner(queryKeyValue, headCount);
        var call = new AttentionCall(
            new AttentionOperand(queryKeyValue, 0), new AttentionOperand(queryKeyValue, inner), new AttentionOperand(queryKeyValue, 2 * inner), (headCount, inner / headCount, inner / headCount), options, bias is null ? null : new ParameterBias(bias));
        return call.Run(queryKeyValue.Tape.Named("attention"));
    }

    /// <summary>One-bit self-attention with learned weights of the rows and columns (BinaryFormer): nothing flows through the signs to queries and keys.</summary>
    /// <param name="queryKeyValue"><c>[batch, tokens, 3 * heads * dimension]</c>.</param>
    /// <param name="headCount">Heads.</param>
    /// <param name="rowWeights"><c>[batch, heads, tokens]</c>.</param>
    /// <param name="columnWeights"><c>[batch, heads, tokens]</c>.</param>
    /// <param name="options">Quantisation and logit scale; its weighting is replaced.</param>
    /// <param name="bias">A learned bias, or null.</param>
    /// <exception cref="ArgumentException">Sizes or options do not fit, or a weight is not finite.</exception>
    public static Variable WeightedSelfAttention(this Variable queryKeyValue, int headCount, Variable rowWeights, Variable columnWeights, BinaryAttentionOptions options, LearnedBias? bias = null)
    {
        ArgumentNullException.ThrowIfNull(queryKeyValue);
        ArgumentNullException.ThrowIfNull(rowWeights);
        ArgumentNullException.ThrowIfNull(columnWeights);
        ArgumentNullException.ThrowIfNull(options);
        int inner = Inner(queryKeyValue, headCount);
        var call = new AttentionCall(
            new AttentionOperand(queryKeyValue, 0), new AttentionOperand(queryKeyValue, inner), new AttentionOperand(queryKeyValue, 2 * inner), (headCount, inner / headCount, inner / headCount), options, bias is null ? null : new ParameterBias(bias), rowWeights, columnWeights);
        return call.Run(queryKeyValue.Tape.Named("attention"));
    }

    /// <summary>
    /// One-bit self-attention by codes: learned linear maps of the tokens take the place of queries and keys (a calibrated checkpoint), and a bias per key, and perhaps a product of factors,
    /// comes from the tokens too.
    /// </summary>
    /// <param name="codes"><c>[batch, tokens, heads * (2 * code + 1 + 2 * rank)]</c>: codes of queries, codes of keys, bias per key, query factors, key factors.</param>
    /// <param name="queryKeyValue">A fused projection, of which the values are used.</param>
    /// <param name="headCount">Heads.</param>
    /// <param name="rank">Rank of the factors, 0 for none.</param>
    /// <param name="options">Weighting, logit scale, quantisation and temperature.</param>
    /// <exception cref="ArgumentException">Sizes or options do not fit.</exception>
    public static Variable CodedSelfAttention(this Variable codes, Variable queryKeyValue, int headCount, int rank, BinaryAttentionOptions options)
    {
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(queryKeyValue);
        ArgumentNullException.ThrowIfNull(options);
        int inner = Inner(queryKeyValue, headCount), length = (codes.Shape[^1] / headCount - 1 - (2 * rank)) / 2;
        TensorShape.LastIs(codes, headCount * ((2 * length) + 1 + (2 * rank)), $"codes of {headCount} heads with rank {rank}");
        float logitScale = options.LogitScale ?? (float)(1 / Math.Sqrt(length));
        var call = new AttentionCall(
            new AttentionOperand(codes, 0),
            new AttentionOperand(codes, headCount * length),
            new AttentionOperand(queryKeyValue, 2 * inner),
            (headCount, length, inner / headCount),
            options,
            new TokenBias(codes, 2 * headCount * length, headCount, rank, logitScale));
        return call.Run(codes.Tape.Named("attention"));
    }

    private static int Inner(Variable queryKeyValue, int headCount)
    {
        TensorShape.Rank(queryKeyValue, 3, "[batch, tokens, 3 * heads * dimension]");
        int columns = queryKeyValue.Shape[2];
        return headCount >= 1 && columns % (3 * headCount) == 0
            ? columns / 3
            : throw new ArgumentException($"{queryKeyValue} does not divide into queries, keys and values of {headCount} heads.", nameof(headCount));
    }
}
