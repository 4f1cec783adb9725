// Gradient of one-bit attention in double (operator page, "Backward").
//   dP_ij = dO_i . v_j,  dS = P (dP - sum P dP),  bias: sum of dS over its broadcast dimensions
//   d(q_hat)_i = logitScale sum_j dS_ij columnWeight_j sign(k_j), likewise k_hat; then ReferenceSignGradient
//   learned weights: d rowWeight_i = sum_j dS_ij logitScale signDot_ij columnWeight_j, likewise columns; nothing to the signs
// Rounding is straight-through. TrainingParity multiplies with the rounded P and v, as the training code does, and gives v no gradient where |v| >= 2. Tiled counts
// rounding, centring and row sum as straight-through altogether: its gradient is that of Full at the same logits. Finite operands and one plane a side are assumed; a masked pair gets and
// gives nothing.
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal static class ReferenceBinaryAttentionBackward
{
    /// <summary>All gradients of <c>sum(output * outputGradient)</c>; outputGradient is dense <c>[batch, heads, queryLength, valueDimension]</c>.</summary>
    public static ReferenceGradients Run(ReferenceInputs inputs, ReadOnlySpan<float> outputGradient)
    {
        AttentionSpecification specification = inputs.Specification;
        AttentionShape shape = specification.Shape;
        var gradients = new ReferenceGradients(inputs);
        for (int batch = 0; batch < shape.BatchSize; batch++)
        {
            for (int head = 0; head < shape.HeadCount; head++)
            {
                var binaryHead = new ReferenceBinaryHead(inputs, batch, head);
                for (int query = 0; query < shape.QueryLength; query++)
                {
                    int row = (((batch * shape.HeadCount) + head) * shape.QueryLength) + query;
                    Row(inputs, binaryHead, query, outputGradient.Slice(row * shape.ValueDimension, shape.ValueDimension), gradients);
                }

                ReferenceSignGradient.Head(inputs.Query, batch, head, specification.QuerySide, binaryHead.RowWeights, specification.ValidQueries(batch), gradients.BinarisedQuery, gradients.Query);
                if ((head + 1) % specification.HeadsPerKeyHead == 0)
                {
                    // The last query head of the group: the key head's gradients are complete.
                    ReferenceSignGradient.Head(inputs.Key, batch, binaryHead.KeyHead, specification.KeySide, binaryHead.ColumnWeights, specification.ValidKeys(batch), gradients.BinarisedKey, gradients.Key);
                    if (specification.Quantization == ValueQuantization.TrainingParity)
                    {
                        ClipValueGradient(inputs.Value, batch, binaryHead.KeyHead, gradients.Value);
                    }
                }
            }
        }

        return gradients;
    }

    private static void Row(ReferenceInputs inputs, ReferenceBinaryHead head, int query, ReadOnlySpan<float> outputGradient, ReferenceGradients gradients)
    {
        var probabilities = new double[inputs.Key.TokenCount];
        head.Logits(query, probabilities);
        ReferenceSoftmax.Probabilities(probabilities);
        double[] factors = inputs.Specification.Quantization == ValueQuantization.TrainingParity
            ? Array.ConvertAll(ReferenceBinaryAttention.Levels(head, query).Levels, static level => level / 255.0)
            : probabilities;
        Span<double> probabilityGradient = gradients.Row(gradients.Probabilities, head.Batch, head.Head, query);
        for (int key = 0; key < probabilities.Length; key++)
        {
            if (!head.Allows(query, key))
            {
                continue;
            }

            int valueOffset = inputs.Value.Offset(head.Batch, head.KeyHead, key);
            for (int channel = 0; channel < outputGradient.Length; channel++)
            {
                probabilityGradient[key] += outputGradient[channel] * head.Values.ForGradient(key, channel);
                gradients.Value[valueOffset + channel] += factors[key] * outputGradient[channel];
            }
        }

        Span<double> logitGradient = gradients.Row(gradients.Logits, head.Batch, head.Head, query);
        if (inputs.Specification.Quantization == ValueQuantization.TrainingParity)
        {
            ClipProbabilityGradient(probabilities, probabilityGradient);
        }

        ReferenceSoftmaxGradient.Row(probabilities, probabilityGradient, logitGradient);
        ReferenceSoftmaxGradient.AddToBias(inputs.Bias, gradients, head.Batch, head.Head, query, logitGradient);
        AddToOperands(inputs, head, query, logitGradient, gradients);
        AddToLearnedWeights(head, query, logitGradient, gradients);
    }

    private static void AddToOperands(ReferenceInputs inputs, ReferenceBinaryHead head, int query, ReadOnlySpan<double> logitGradient, ReferenceGradients gradients)
    {
        ReadOnlySpan<sbyte> querySigns = head.Queries.Signs(0, query);
        int queryOffset = inputs.Query.Offset(head.Batch, head.Head, query);
        for (int key = 0; key < logitGradient.Length; key++)
        {
            if (!head.Allows(query, key))
            {
                continue;
            }

            ReadOnlySpan<sbyte> keySigns = head.Keys.Signs(0, key);
            int keyOffset = inputs.Key.Offset(head.Batch, head.KeyHead, key);
            double queryFactor = logitGradient[key] * head.Scale * head.ColumnWeights[key];
            double keyFactor = logitGradient[key] * head.Scale * head.RowWeights[query];
            for (int channel = 0; channel < querySigns.Length; channel++)
            {
                gradients.BinarisedQuery[queryOffset + channel] += queryFactor * keySigns[channel];
                gradients.BinarisedKey[keyOffset + channel] += keyFactor * querySigns[channel];
            }
        }
    }

    private static void AddToLearnedWeights(ReferenceBinaryHead head, int query, ReadOnlySpan<double> logitGradient, ReferenceGradients gradients)
    {
        AttentionShape shape = head.Specification.Shape;
        int rowIndex = (((head.Batch * shape.HeadCount) + head.Head) * shape.QueryLength) + query;
        int columnOffset = ((head.Batch * shape.KeyHeadCount) + head.KeyHead) * shape.KeyLength;
        for (int key = 0; key < logitGradient.Length; key++)
        {
            if (!head.Allows(query, key))
            {
                continue;
            }

            double slope = logitGradient[key] * head.Scale * head.SignDot(query, key);
            if (head.Specification.Weighting.Rows == SignWeightingMode.Learned)
            {
                gradients.RowWeights[rowIndex] += slope * head.ColumnWeights[key];
            }

            if (head.Specification.Weighting.Columns == SignWeightingMode.Learned)
            {
                gradients.ColumnWeights[columnOffset + key] += slope * head.RowWeights[query];
            }
        }
    }

    private static void ClipProbabilityGradient(ReadOnlySpan<double> probabilities, Span<double> gradient)
    {
        for (int key = 0; key < gradient.Length; key++)
        {
            if (!ProbabilityQuantizer.PassesGradient(probabilities[key]))
            {
                gradient[key] = 0;
            }
        }
    }

    private static void ClipValueGradient(ReferenceOperand value, int batch, int keyHead, double[] gradient)
    {
        for (int token = 0; token < value.TokenCount; token++)
        {
            ReadOnlySpan<float> channels = value.Token(batch, keyHead, token);
            int offset = value.Offset(batch, keyHead, token);
            for (int channel = 0; channel < channels.Length; channel++)
            {
                if (!SymmetricQuantizer.Value.PassesGradient(channels[channel]))
                {
                    gradient[offset + channel] = 0;
                }
            }
        }
    }
}
