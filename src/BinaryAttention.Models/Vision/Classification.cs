namespace BinaryAttention.Models.Vision;

/// <summary>Reads logits as answers.</summary>
public static class Classification
{
    /// <summary>The classes with the largest logits of one image, best first; of equal logits the lower class comes first.</summary>
    /// <param name="logits">One logit per class.</param>
    /// <param name="count">How many classes to give; fewer if there are fewer.</param>
    /// <returns>The classes with their softmax probabilities over all classes. NaN logits rank last and make every probability NaN.</returns>
    /// <exception cref="ArgumentException">There are no logits, or <paramref name="count"/> is below 1.</exception>
    public static IReadOnlyList<ClassScore> TopK(ReadOnlySpan<float> logits, int count)
    {
        if (logits.IsEmpty)
        {
            throw new ArgumentException("logits is empty; one logit per class is expected.", nameof(logits));
        }

        if (count < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, "Expected at least 1.");
        }

        float[] values = logits.ToArray();
        var order = new int[values.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        // CompareTo puts NaN below every number.
        Array.Sort(order, (a, b) => values[b].CompareTo(values[a]) is var byLogit and not 0 ? byLogit : a.CompareTo(b));
        double largest = values[order[0]], sum = 0;
        foreach (float value in values)
        {
            sum += Math.Exp(value - largest);
        }

        var scores = new ClassScore[Math.Min(count, values.Length)];
        for (int rank = 0; rank < scores.Length; rank++)
        {
            float logit = values[order[rank]];
            scores[rank] = new ClassScore(order[rank], logit, (float)(Math.Exp(logit - largest) / sum));
        }

        return scores;
    }
}
