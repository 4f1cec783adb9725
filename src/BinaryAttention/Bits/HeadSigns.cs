// The packed side of one (batch, head): sign words of every token, its weights, and whether every input was finite.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Bits;

internal static unsafe class HeadSigns
{
    /// <summary>Packs all tokens of one head.</summary>
    /// <param name="tokens">Token 0.</param>
    /// <param name="tokenStride">Elements from token to token.</param>
    /// <param name="count">Number of tokens.</param>
    /// <param name="dimension">Channels per token.</param>
    /// <param name="mode">Which weights to compute.</param>
    /// <param name="words">Receives the sign words, token after token.</param>
    /// <param name="weights">Receives one weight per token (the per-head weight is repeated).</param>
    /// <returns>False if a NaN or infinity was met.</returns>
    public static bool Pack(float* tokens, nint tokenStride, int count, int dimension, SignWeightingMode mode, ulong* words, float* weights)
    {
        double total = PackTokens(tokens, tokenStride, count, dimension, words, weights);
        if (mode != SignWeightingMode.MeanMagnitudePerToken)
        {
            float weight = mode == SignWeightingMode.None ? 1f : HeadMagnitude(total, count, dimension);
            new Span<float>(weights, count).Fill(weight);
        }

        return double.IsFinite(total);
    }

    /// <summary>Packs all tokens of one head with their mean magnitudes and gives the sum of all absolute values, which is not finite if one of them is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double PackTokens(float* tokens, nint tokenStride, int count, int dimension, ulong* words, float* magnitudes)
    {
        int wordsPerToken = SignRow.Words(dimension);
        double total = 0;
        for (int token = 0; token < count; token++)
        {
            double sum = SignRow.Pack(tokens + (token * tokenStride), dimension, words + ((long)token * wordsPerToken));
            magnitudes[token] = (float)(sum / dimension);
            total += sum;
        }

        return total;
    }

    /// <summary>Mean of the absolute values of a head, from their sum.</summary>
    public static float HeadMagnitude(double total, int count, int dimension) => (float)(total / ((double)count * dimension));
}
