// The packed side of one (batch, head): sign words and weights of every valid token, plane by plane, and whether every input was finite.
using System.Runtime.CompilerServices;
using BinaryAttention.Kernels;

namespace BinaryAttention.Bits;

internal static unsafe class HeadSigns
{
    /// <summary>Packs the first plane of one head.</summary>
    /// <param name="tokens">Token 0.</param>
    /// <param name="tokenStride">Elements from token to token.</param>
    /// <param name="count">Number of valid tokens.</param>
    /// <param name="dimension">Channels per token.</param>
    /// <param name="side">How the tokens are binarised.</param>
    /// <param name="firstLearned">Index of the head's first learned weight.</param>
    /// <param name="words">Receives the sign words, token after token.</param>
    /// <param name="weights">Receives one weight per token (the per-head weight is repeated).</param>
    /// <returns>False if a NaN or infinity was met.</returns>
    public static bool Pack(float* tokens, nint tokenStride, int count, int dimension, in SignSide side, long firstLearned, ulong* words, float* weights)
    {
        double total = PackTokens(tokens, tokenStride, count, dimension, side.Threshold, words, weights);
        switch (side.Mode)
        {
            case SignWeightingMode.MeanMagnitudePerHead:
                new Span<float>(weights, count).Fill(HeadMagnitude(total, count, dimension));
                break;
            case SignWeightingMode.Learned:
                side.Learned.Span.Slice(checked((int)firstLearned), count).CopyTo(new Span<float>(weights, count));
                break;
            case SignWeightingMode.None:
                new Span<float>(weights, count).Fill(1f);
                break;
            default:
                break; // the tokens' own magnitudes are there already
        }

        return double.IsFinite(total);
    }

    /// <summary>Packs the second plane of one head: the signs and mean magnitudes of what the first leaves over.</summary>
    /// <param name="tokens">Token 0.</param>
    /// <param name="tokenStride">Elements from token to token.</param>
    /// <param name="count">Number of valid tokens.</param>
    /// <param name="dimension">Channels per token.</param>
    /// <param name="side">How the tokens are binarised: by mean magnitudes.</param>
    /// <param name="firstWords">Sign words of the first plane.</param>
    /// <param name="firstWeights">Weights of the first plane.</param>
    /// <param name="words">Receives the sign words.</param>
    /// <param name="weights">Receives the weights.</param>
    public static void PackRest(float* tokens, nint tokenStride, int count, int dimension, in SignSide side, ulong* firstWords, float* firstWeights, ulong* words, float* weights)
    {
        int wordsPerToken = SignRow.Words(dimension);
        double total = 0;
        for (int token = 0; token < count; token++)
        {
            long word = (long)token * wordsPerToken;
            double sum = SignRow.PackRest(tokens + (token * tokenStride), dimension, side.Threshold, firstWords + word, firstWeights[token], words + word);
            weights[token] = (float)(sum / dimension);
            total += sum;
        }

        if (side.Mode == SignWeightingMode.MeanMagnitudePerHead)
        {
            new Span<float>(weights, count).Fill(HeadMagnitude(total, count, dimension));
        }
    }

    /// <summary>Packs all tokens of one head with their mean magnitudes and gives the sum of all absolute values, which is not finite if one of them is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double PackTokens(float* tokens, nint tokenStride, int count, int dimension, float threshold, ulong* words, float* magnitudes)
    {
        int wordsPerToken = SignRow.Words(dimension);
        double total = 0;
        if (TokenSigns512.IsSupported)
        {
            return TokenSigns512.Pack(tokens, tokenStride, count, dimension, threshold, words, magnitudes);
        }

        for (int token = 0; token < count; token++)
        {
            double sum = SignRow.Pack(tokens + (token * tokenStride), dimension, threshold, words + ((long)token * wordsPerToken));
            magnitudes[token] = (float)(sum / dimension);
            total += sum;
        }

        return total;
    }

    /// <summary>Mean of the absolute values of a head, from their sum.</summary>
    public static float HeadMagnitude(double total, int count, int dimension) => (float)(total / ((double)count * dimension));
}
