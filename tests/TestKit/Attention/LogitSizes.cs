// How large the parts are that a call's logits are sums of: float32 rounding of a logit is proportional to them, also where they cancel.
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;

namespace TestKit.Attention;

internal static class LogitSizes
{
    /// <summary>The largest sum of absolute parts over all allowed pairs with a finite logit; 0 if there are none.</summary>
    public static double Largest(ReferenceInputs inputs)
    {
        AttentionSpecification specification = inputs.Specification;
        AttentionShape shape = specification.Shape;
        double largest = 0;
        for (int head = 0; head < shape.BatchSize * shape.HeadCount; head++)
        {
            ReferenceBinaryHead? binary = specification.IsBinary ? new ReferenceBinaryHead(inputs, head / shape.HeadCount, head % shape.HeadCount) : null;
            for (int query = 0; query < shape.QueryLength; query++)
            {
                for (int key = 0; key < shape.KeyLength; key++)
                {
                    if (inputs.Mask.Allows(head / shape.HeadCount, head % shape.HeadCount, query, key))
                    {
                        double size = Products(inputs, binary, head / shape.HeadCount, head % shape.HeadCount, query, key) + Biases(inputs, head / shape.HeadCount, head % shape.HeadCount, query, key);
                        largest = double.IsFinite(size) ? Math.Max(largest, size) : largest;
                    }
                }
            }
        }

        return largest;
    }

    private static double Products(ReferenceInputs inputs, ReferenceBinaryHead? binary, int batch, int head, int query, int key)
    {
        double sum = 0;
        if (binary is null)
        {
            ReadOnlySpan<float> left = inputs.Query.Token(batch, head, query);
            ReadOnlySpan<float> right = inputs.Key.Token(batch, head / inputs.Specification.HeadsPerKeyHead, key);
            for (int channel = 0; channel < left.Length; channel++)
            {
                sum += Math.Abs((double)left[channel] * right[channel]);
            }

            return sum * Math.Abs(inputs.Specification.LogitScale);
        }

        for (int queryPlane = 0; queryPlane < binary.Queries.Planes; queryPlane++)
        {
            for (int keyPlane = 0; keyPlane < binary.Keys.Planes; keyPlane++)
            {
                sum += Math.Abs((double)binary.Queries.Weights[queryPlane][query] * binary.Scale * binary.Keys.Weights[keyPlane][key] * binary.SignDot(queryPlane, query, keyPlane, key));
            }
        }

        return sum;
    }

    private static double Biases(ReferenceInputs inputs, int batch, int head, int query, int key)
    {
        AttentionShape shape = inputs.Specification.Shape;
        double size = inputs.Specification.AddedKeyBias is { } added ? Math.Abs(added[(((batch * shape.HeadCount) + head) * shape.KeyLength) + key]) : 0;
        if (inputs.Bias is not { } bias)
        {
            return size;
        }

        if (bias.Kind != AttentionBiasKind.LowRank)
        {
            return size + Math.Abs(bias.At(batch, head, query, key));
        }

        for (int r = 0; r < bias.Rank; r++)
        {
            size += Math.Abs((double)bias.QueryFactorAt(bias.QueryFactor(batch, head, query) + r) * bias.KeyFactorAt(bias.KeyFactor(batch, head, key) + r));
        }

        return size;
    }
}
