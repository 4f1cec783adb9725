// The same algorithms in the plainest float32 loops: the yardstick of the tolerance rule (Tolerance). Finite operands only.
//   exact:        logit = (q . k) * logitScale + bias             one-bit, Full:   logit = sum over planes rowWeight * scale * columnWeight * signDot + bias
//   out = sum exp(logit - max) v / sum exp(logit - max),  logSumExp = max + log(sum)
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;

namespace TestKit.Attention;

/// <summary>Attention in plain float32 loops.</summary>
public static class PlainFloatAttention
{
    /// <summary>Computes a case; its quantisation is taken as Full.</summary>
    public static AttentionResult Run(AttentionCase attentionCase, Operands operands, bool isBinary)
    {
        AttentionOptions options = isBinary ? attentionCase.BinaryOptions() : attentionCase.ExactOptions();
        AttentionSpecification specification = SpecificationBuilder.Build(attentionCase.Shape, options, isBinary);
        var inputs = ReferenceInputs.Create(specification, operands.Query, operands.Key, operands.Value);
        AttentionCase c = attentionCase;
        var output = new float[c.Batch * c.Heads * c.Queries * c.ValueDimension];
        var logSumExp = new float[c.Batch * c.Heads * c.Queries];
        var logits = new float[c.Keys];
        for (int head = 0; head < c.Batch * c.Heads; head++)
        {
            ReferenceBinaryHead? binary = isBinary ? new ReferenceBinaryHead(inputs, head / c.Heads, head % c.Heads) : null;
            for (int query = 0; query < c.Queries; query++)
            {
                int row = (head * c.Queries) + query;
                Logits(inputs, binary, head / c.Heads, head % c.Heads, query, logits);
                logSumExp[row] = Row(inputs.Value, head / c.Heads, head % c.Heads / specification.HeadsPerKeyHead, logits, output.AsSpan(row * c.ValueDimension, c.ValueDimension));
            }
        }

        return new AttentionResult(output, logSumExp);
    }

    private static void Logits(ReferenceInputs inputs, ReferenceBinaryHead? binary, int batch, int head, int query, Span<float> logits)
    {
        for (int key = 0; key < logits.Length; key++)
        {
            if (!inputs.Mask.Allows(batch, head, query, key))
            {
                logits[key] = float.NegativeInfinity;
                continue;
            }

            float logit = 0;
            if (binary is not null)
            {
                for (int pair = 0; pair < binary.Queries.Planes * binary.Keys.Planes; pair++)
                {
                    int queryPlane = pair / binary.Keys.Planes;
                    int keyPlane = pair % binary.Keys.Planes;
                    logit += binary.Queries.Weights[queryPlane][query] * binary.Scale * binary.Keys.Weights[keyPlane][key] * binary.SignDot(queryPlane, query, keyPlane, key);
                }
            }
            else
            {
                ReadOnlySpan<float> left = inputs.Query.Token(batch, head, query);
                ReadOnlySpan<float> right = inputs.Key.Token(batch, head / inputs.Specification.HeadsPerKeyHead, key);
                float dot = 0;
                for (int channel = 0; channel < left.Length; channel++)
                {
                    dot += left[channel] * right[channel];
                }

                logit = dot * inputs.Specification.LogitScale;
            }

            logits[key] = logit + (float)inputs.BiasOf(batch, head, query, key);
        }
    }

    private static float Row(ReferenceOperand value, int batch, int keyHead, Span<float> logits, Span<float> output)
    {
        float rowMax = float.NegativeInfinity;
        foreach (float logit in logits)
        {
            rowMax = MathF.Max(rowMax, logit);
        }

        output.Clear();
        if (float.IsNegativeInfinity(rowMax))
        {
            return rowMax;
        }

        float rowSum = 0;
        for (int key = 0; key < logits.Length; key++)
        {
            if (float.IsNegativeInfinity(logits[key]))
            {
                continue; // padded values may be NaN
            }

            float exponential = MathF.Exp(logits[key] - rowMax);
            rowSum += exponential;
            ReadOnlySpan<float> token = value.Token(batch, keyHead, key);
            for (int channel = 0; channel < output.Length; channel++)
            {
                output[channel] += exponential * token[channel];
            }
        }

        for (int channel = 0; channel < output.Length; channel++)
        {
            output[channel] /= rowSum;
        }

        return rowMax + MathF.Log(rowSum);
    }
}
