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
    public static void AddToBias(ReferenceBias? bias, ReferenceGradients gradients, int batch, int head, int query, ReadOnlySpan<double> logitGradient)
    {
        if (bias is null)
        {
            return;
        }

        for (int key = 0; key < logitGradient.Length; key++)
        {
            if (bias.Kind == AttentionBiasKind.LowRank)
            {
                AddToFactors(bias, gradients, bias.QueryFactor(batch, head, query), bias.KeyFactor(batch, head, key), logitGradient[key]);
            }
            else
            {
                gradients.Bias[bias.Index(batch, head, query, key)] += logitGradient[key];
            }
        }
    }

    private static void AddToFactors(ReferenceBias bias, ReferenceGradients gradients, int queryFactor, int keyFactor, double gradient)
    {
        for (int r = 0; r < bias.Rank; r++)
        {
            gradients.Bias[queryFactor + r] += gradient * bias.KeyFactorAt(keyFactor + r);
            gradients.BiasKeyFactors[keyFactor + r] += gradient * bias.QueryFactorAt(queryFactor + r);
        }
    }
}
