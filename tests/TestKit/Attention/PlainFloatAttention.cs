// The same algorithms in the plainest float32 loops: the yardstick of the tolerance rule (Tolerance). Finite operands only.
//   exact:        logit = (q . k) * logitScale + bias             one-bit, Full:   logit = sum over planes rowWeight * scale * columnWeight * signDot + bias
//   out = sum exp(logit - max) v / sum exp(logit - max),  logSumExp = max + log(sum)
// In two orders: sums forwards with the scale last, and backwards with the scale first. Where few rows are seen, one order may happen to round well.
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;

namespace TestKit.Attention;

/// <summary>Attention in plain float32 loops.</summary>
public static class PlainFloatAttention
{
    /// <summary>Computes a case in both orders and gives of every number the one that is farther from what is expected; its quantisation is taken as Full.</summary>
    public static AttentionResult Run(AttentionCase attentionCase, Operands operands, bool isBinary, AttentionResult expected)
    {
        AttentionResult forwards = Run(attentionCase, operands, isBinary, backwards: false);
        AttentionResult backwards = Run(attentionCase, operands, isBinary, backwards: true);
        return new AttentionResult(Farther(expected.Output, forwards.Output, backwards.Output), Farther(expected.LogSumExp, forwards.LogSumExp, backwards.LogSumExp));
    }

    private static float[] Farther(float[] expected, float[] first, float[] second)
    {
        var farther = new float[expected.Length];
        for (int i = 0; i < expected.Length; i++)
        {
            farther[i] = Math.Abs((double)first[i] - expected[i]) >= Math.Abs((double)second[i] - expected[i]) ? first[i] : second[i];
        }

        return farther;
    }

    private static AttentionResult Run(AttentionCase attentionCase, Operands operands, bool isBinary, bool backwards)
    {
        ReferenceInputs inputs = PreparedInputs.Create(attentionCase, operands, isBinary);
        AttentionSpecification specification = inputs.Specification;
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
                Logits(inputs, binary, head / c.Heads, head % c.Heads, query, backwards, logits);
                logSumExp[row] = Row(inputs.Value, head / c.Heads, head % c.Heads / specification.HeadsPerKeyHead, backwards, logits, output.AsSpan(row * c.ValueDimension, c.ValueDimension));
            }
        }

        return new AttentionResult(output, logSumExp);
    }

    private static void Logits(ReferenceInputs inputs, ReferenceBinaryHead? binary, int batch, int head, int query, bool backwards, Span<float> logits)
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
                int pairs = binary.Queries.Planes * binary.Keys.Planes;
                for (int i = 0; i < pairs; i++)
                {
                    int pair = backwards ? pairs - 1 - i : i;
                    int queryPlane = pair / binary.Keys.Planes;
                    int keyPlane = pair % binary.Keys.Planes;
                    float weights = backwards
                        ? binary.Queries.Weights[queryPlane][query] * (binary.Scale * binary.Keys.Weights[keyPlane][key])
                        : binary.Queries.Weights[queryPlane][query] * binary.Scale * binary.Keys.Weights[keyPlane][key];
                    logit += weights * binary.SignDot(queryPlane, query, keyPlane, key);
                }
            }
            else
            {
                ReadOnlySpan<float> left = inputs.Query.Token(batch, head, query);
                ReadOnlySpan<float> right = inputs.Key.Token(batch, head / inputs.Specification.HeadsPerKeyHead, key);
                logit = backwards ? DotBackwards(left, right, inputs.Specification.LogitScale) : Dot(left, right) * inputs.Specification.LogitScale;
            }

            logits[key] = logit + Bias(inputs, batch, head, query, key);
        }
    }

    private static float Dot(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        float dot = 0;
        for (int channel = 0; channel < left.Length; channel++)
        {
            dot += left[channel] * right[channel];
        }

        return dot;
    }

    private static float DotBackwards(ReadOnlySpan<float> left, ReadOnlySpan<float> right, float scale)
    {
        float dot = 0;
        for (int channel = left.Length - 1; channel >= 0; channel--)
        {
            dot += left[channel] * scale * right[channel];
        }

        return dot;
    }

    // A low-rank bias is a product of float32 factors like any other.
    private static float Bias(ReferenceInputs inputs, int batch, int head, int query, int key)
    {
        if (inputs.Bias is not { Kind: AttentionBiasKind.LowRank } bias)
        {
            return (float)inputs.BiasOf(batch, head, query, key);
        }

        AttentionShape shape = inputs.Specification.Shape;
        float sum = 0;
        for (int r = 0; r < bias.Rank; r++)
        {
            sum += bias.QueryFactorAt(bias.QueryFactor(batch, head, query) + r) * bias.KeyFactorAt(bias.KeyFactor(batch, head, key) + r);
        }

        return sum + (inputs.Specification.AddedKeyBias is { } added ? added[(((batch * shape.HeadCount) + head) * shape.KeyLength) + key] : 0);
    }

    private static float Row(ReferenceOperand value, int batch, int keyHead, bool backwards, Span<float> logits, Span<float> output)
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
        for (int i = 0; i < logits.Length; i++)
        {
            int key = backwards ? logits.Length - 1 - i : i;
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
