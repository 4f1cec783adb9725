// Gradient of exact attention in double: dV = P^T dO, dP = dO V^T, dS = P (dP - sum P dP), dQ = logitScale dS K, dK = logitScale dS^T Q, bias: sum of dS.
// Finite operands are assumed; a masked pair gets and gives nothing.
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal static class ReferenceAttentionBackward
{
    /// <summary>All gradients of <c>sum(output * outputGradient)</c>; outputGradient is dense <c>[batch, heads, queryLength, valueDimension]</c>.</summary>
    public static ReferenceGradients Run(ReferenceInputs inputs, ReadOnlySpan<float> outputGradient)
    {
        AttentionShape shape = inputs.Specification.Shape;
        var gradients = new ReferenceGradients(inputs);
        for (int batch = 0; batch < shape.BatchSize; batch++)
        {
            for (int head = 0; head < shape.HeadCount; head++)
            {
                for (int query = 0; query < shape.QueryLength; query++)
                {
                    int row = (((batch * shape.HeadCount) + head) * shape.QueryLength) + query;
                    Row(inputs, batch, head, query, outputGradient.Slice(row * shape.ValueDimension, shape.ValueDimension), gradients);
                }
            }
        }

        return gradients;
    }

    private static void Row(ReferenceInputs inputs, int batch, int head, int query, ReadOnlySpan<float> outputGradient, ReferenceGradients gradients)
    {
        AttentionSpecification specification = inputs.Specification;
        int keyHead = head / specification.HeadsPerKeyHead;
        var probabilities = new double[inputs.Key.TokenCount];
        ReferenceExactAttention.Logits(inputs, batch, head, query, probabilities);
        ReferenceSoftmax.Probabilities(probabilities);
        Span<double> probabilityGradient = gradients.Row(gradients.Probabilities, batch, head, query);
        for (int key = 0; key < probabilities.Length; key++)
        {
            if (!inputs.Mask.Allows(batch, head, query, key))
            {
                continue;
            }

            ReadOnlySpan<float> value = inputs.Value.Token(batch, keyHead, key);
            int valueOffset = inputs.Value.Offset(batch, keyHead, key);
            for (int channel = 0; channel < value.Length; channel++)
            {
                probabilityGradient[key] += (double)outputGradient[channel] * value[channel];
                gradients.Value[valueOffset + channel] += probabilities[key] * outputGradient[channel];
            }
        }

        Span<double> logitGradient = gradients.Row(gradients.Logits, batch, head, query);
        ReferenceSoftmaxGradient.Row(probabilities, probabilityGradient, logitGradient);
        ReferenceSoftmaxGradient.AddToBias(inputs.Bias, gradients, batch, head, query, logitGradient);
        ReadOnlySpan<float> queryToken = inputs.Query.Token(batch, head, query);
        int queryOffset = inputs.Query.Offset(batch, head, query);
        for (int key = 0; key < logitGradient.Length; key++)
        {
            if (!inputs.Mask.Allows(batch, head, query, key))
            {
                continue;
            }

            ReadOnlySpan<float> keyToken = inputs.Key.Token(batch, keyHead, key);
            int keyOffset = inputs.Key.Offset(batch, keyHead, key);
            double factor = logitGradient[key] * specification.LogitScale;
            for (int channel = 0; channel < queryToken.Length; channel++)
            {
                gradients.Query[queryOffset + channel] += factor * keyToken[channel];
                gradients.Key[keyOffset + channel] += factor * queryToken[channel];
            }
        }
    }
}
