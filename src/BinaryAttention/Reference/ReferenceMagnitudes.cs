// The weights of one (batch, head)'s tokens: mean |x| over the head, mean |x| over a token, given, or 1.
// The order of the additions is fixed, because every kernel must arrive at the same float32 weights: double precision, lane l of eight adds channels l, l + 8, ...;
// then lanes 4..7 onto 0..3, 2..3 onto 0..1, 1 onto 0; token sums are added in token order.
namespace BinaryAttention.Reference;

internal static class ReferenceMagnitudes
{
    private const int Lanes = 8;

    /// <summary>Sum of |x| over one token's channels.</summary>
    public static double TokenSum(ReadOnlySpan<double> token)
    {
        Span<double> lanes = stackalloc double[Lanes];
        lanes.Clear();
        for (int channel = 0; channel < token.Length; channel++)
        {
            lanes[channel % Lanes] += Math.Abs(token[channel]);
        }

        for (int half = Lanes / 2; half >= 1; half /= 2)
        {
            for (int lane = 0; lane < half; lane++)
            {
                lanes[lane] += lanes[lane + half];
            }
        }

        return lanes[0];
    }

    /// <summary>One weight per token of a whole head, and whether all of its elements are finite.</summary>
    /// <param name="operand">Queries or keys.</param>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Head of the operand.</param>
    /// <param name="mode">How the weights are made, not Learned.</param>
    public static (float[] Weights, bool IsFinite) Of(ReferenceOperand operand, int batch, int head, SignWeightingMode mode) =>
        Of(operand.Head(batch, head), operand.TokenCount, operand.TokenCount, mode, default);

    /// <summary>One weight per token, and whether all elements of the valid tokens are finite.</summary>
    /// <param name="values">A head <c>[tokens, dimension]</c>.</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="validTokens">Leading tokens that are not padding.</param>
    /// <param name="mode">How the weights are made.</param>
    /// <param name="learned">The given weights of the head; read in mode Learned only.</param>
    public static (float[] Weights, bool IsFinite) Of(ReadOnlySpan<double> values, int tokenCount, int validTokens, SignWeightingMode mode, ReadOnlySpan<float> learned)
    {
        int dimension = values.Length / tokenCount;
        var sums = new double[tokenCount];
        double total = 0;
        for (int token = 0; token < tokenCount; token++)
        {
            sums[token] = TokenSum(values.Slice(token * dimension, dimension));
            total += token < validTokens ? sums[token] : 0;
        }

        float headMean = (float)(total / ((double)validTokens * dimension));
        var weights = new float[tokenCount];
        for (int token = 0; token < tokenCount; token++)
        {
            weights[token] = mode switch
            {
                SignWeightingMode.MeanMagnitudePerHead => headMean,
                SignWeightingMode.MeanMagnitudePerToken => (float)(sums[token] / dimension),
                SignWeightingMode.Learned => learned[token],
                SignWeightingMode.None => 1f,
                _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Expected one of MeanMagnitudePerHead, MeanMagnitudePerToken, Learned, None."),
            };
        }

        // Sums of finite float32 magnitudes cannot overflow in double, so a non-finite total means a NaN or an infinity among the elements.
        return (weights, double.IsFinite(total));
    }
}
