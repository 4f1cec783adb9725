// Backward through softmax: dS = P (dP - sum P dP), one row.
namespace BinaryAttention.Reference;

internal static class ReferenceSoftmaxGradient
{
    public static void Row(ReadOnlySpan<double> probabilities, ReadOnlySpan<double> probabilityGradient, Span<double> logitGradient)
    {
        double mean = 0;
        for (int key = 0; key < probabilities.Length; key++)
        {
            mean += probabilities[key] * probabilityGradient[key];
        }

        for (int key = 0; key < probabilities.Length; key++)
        {
            logitGradient[key] = probabilities[key] * (probabilityGradient[key] - mean);
        }
    }

    /// <summary>Adds a row's logit gradients to the bias that the pairs read: the sum over broadcast dimensions, a scatter-add for a table.</summary>
    public static void AddToBias(ReferenceBias? bias, double[] biasGradient, int batch, int head, int query, ReadOnlySpan<double> logitGradient)
    {
        if (bias is null)
        {
            return;
        }

        for (int key = 0; key < logitGradient.Length; key++)
        {
            biasGradient[bias.Index(batch, head, query, key)] += logitGradient[key];
        }
    }
}
