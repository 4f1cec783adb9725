namespace BinaryAttention.Models.Metrics;

/// <summary>Kullback-Leibler divergence between the classes' probabilities of two models, in nats: how much one model's answer is missed by the other.</summary>
public static class LogitDivergence
{
    /// <summary><c>sum_c p_c ln(p_c / q_c)</c> with p and q the softmax of the two logits, mean over the images; computed in double from logits, so nothing underflows.</summary>
    /// <param name="logits">The model that is to be met, <c>[images, classCount]</c>, row-major; it weighs the classes (p).</param>
    /// <param name="otherLogits">The other model's logits of the same images (q).</param>
    /// <param name="classCount">Classes.</param>
    /// <returns>At least 0; NaN if a logit is NaN or infinite.</returns>
    /// <exception cref="ArgumentException">Lengths do not fit, or there are no images.</exception>
    public static double Mean(ReadOnlySpan<float> logits, ReadOnlySpan<float> otherLogits, int classCount)
    {
        if (classCount < 1 || logits.IsEmpty || logits.Length % classCount != 0 || logits.Length != otherLogits.Length)
        {
            throw new ArgumentException($"logits has {logits.Length} values and otherLogits {otherLogits.Length}; both need one or more images of {classCount} classes.", nameof(logits));
        }

        int images = logits.Length / classCount;
        double sum = 0;
        for (int image = 0; image < images; image++)
        {
            sum += OfImage(logits.Slice(image * classCount, classCount), otherLogits.Slice(image * classCount, classCount));
        }

        return sum / images;
    }

    private static double OfImage(ReadOnlySpan<float> logits, ReadOnlySpan<float> others)
    {
        if (!AreFinite(logits) || !AreFinite(others))
        {
            return double.NaN;
        }

        double normaliser = LogSumExp(logits), otherNormaliser = LogSumExp(others), divergence = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            double logarithm = logits[i] - normaliser;
            divergence += Math.Exp(logarithm) * (logarithm - (others[i] - otherNormaliser));
        }

        return Math.Max(0, divergence);
    }

    private static bool AreFinite(ReadOnlySpan<float> logits) => !logits.ContainsAnyExceptInRange(float.MinValue, float.MaxValue);

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - largest);
        }

        return largest + Math.Log(sum);
    }
}
