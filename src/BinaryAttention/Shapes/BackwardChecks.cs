// What a backward call checks beyond the forward call: options without a gradient, sizes of the results, and that no result meets an operand or another result in memory.
using BinaryAttention.Kernels;

namespace BinaryAttention.Shapes;

internal static unsafe class BackwardChecks
{
    /// <summary>Refuses options whose gradient is the caller's business.</summary>
    public static void Options(AttentionSpecification specification)
    {
        if (specification.QueryPlanes != 1 || specification.KeyPlanes != 1)
        {
            throw new ArgumentException($"QueryPlanes is {specification.QueryPlanes} and KeyPlanes is {specification.KeyPlanes}; gradients are defined for one plane on each side. Train with one plane; second planes are for use after training.", "options");
        }

        if (specification.Calibration is not null)
        {
            throw new ArgumentException("Calibration holds a centre or a rotation; gradients pass through temperatures only. Apply the linear maps to queries and keys before the call and chain their gradients outside.", "options");
        }
    }

    public static void SameSizes(in OperandExtent operand, in OperandExtent gradient)
    {
        if (operand.Batch != gradient.Batch || operand.Heads != gradient.Heads || operand.Tokens != gradient.Tokens || operand.Dimension != gradient.Dimension)
        {
            throw new ArgumentException($"{gradient.Name} is [{Sizes(gradient)}]; {operand.Name} is [{Sizes(operand)}]. Both must match.", gradient.Name);
        }

        ShapeChecks.DestinationStrides(gradient);
    }

    /// <summary>A backward call needs what the forward call returned.</summary>
    public static void LogSumExp(int length, in AttentionShape shape)
    {
        if (length == 0)
        {
            throw new ArgumentException("logSumExp is empty. Pass the logSumExp that the forward call returned.", "logSumExp");
        }

        ShapeChecks.LogSumExp(length, shape);
    }

    public static void OptionGradients(in AttentionOptionGradients gradients, AttentionSpecification specification)
    {
        AttentionBias? bias = specification.Bias;
        OptionGradient(gradients.Bias, bias is null ? default : bias.Values, "Bias", "Options.Bias has");
        OptionGradient(gradients.BiasKeyFactors, bias is null ? default : bias.KeyFactors, "BiasKeyFactors", "the key factors of a low-rank bias have");
        OptionGradient(gradients.RowWeights, specification.Weighting.RowWeights, "RowWeights", "Weighting.RowWeights has");
        OptionGradient(gradients.ColumnWeights, specification.Weighting.ColumnWeights, "ColumnWeights", "Weighting.ColumnWeights has");
    }

    /// <summary>Refuses results that share memory with an operand or with one another.</summary>
    public static void NoOverlap(ReadOnlySpan<OperandMemory> results, ReadOnlySpan<OperandMemory> operands)
    {
        for (int i = 0; i < results.Length; i++)
        {
            foreach (OperandMemory operand in operands)
            {
                Apart(results[i], operand);
            }

            foreach (OperandMemory other in results[..i])
            {
                Apart(results[i], other);
            }
        }
    }

    private static void OptionGradient(ReadOnlySpan<float> gradient, ReadOnlyMemory<float> values, string name, string has)
    {
        if (gradient.IsEmpty)
        {
            return;
        }

        if (gradient.Length != values.Length)
        {
            throw new ArgumentException($"optionGradients.{name} has {gradient.Length} elements; {has} {values.Length}. Give as many, or an empty span if it is not wanted.", "optionGradients");
        }

        if (gradient.Overlaps(values.Span))
        {
            throw new ArgumentException($"optionGradients.{name} overlaps the values it is the gradient of. Give memory of its own.", "optionGradients");
        }
    }

    private static void Apart(in OperandMemory result, in OperandMemory other)
    {
        bool meets = result.Extent.Dimension > 0 && other.Extent.Dimension > 0
            && result.Data <= other.Data + other.Extent.LastElement && other.Data <= result.Data + result.Extent.LastElement;
        if (meets && !Alternate(result, other))
        {
            throw new ArgumentException($"{result.Extent.Name} overlaps {other.Extent.Name} in memory. Give a buffer of its own.", result.Extent.Name.Split('.')[0]);
        }
    }

    // Parts of one fused projection: both step by the same token stride, everything else steps by multiples of it or stays within a token, and the parts of a token do not meet.
    private static bool Alternate(in OperandMemory left, in OperandMemory right)
    {
        long token = left.Extent.TokenStride;
        if (token != right.Extent.TokenStride || token <= 0 || !Within(left.Extent, token, out long leftReach) || !Within(right.Extent, token, out long rightReach))
        {
            return false;
        }

        long shift = (right.Data - left.Data) % token;
        shift = shift < 0 ? shift + token : shift;
        return shift >= leftReach && shift + rightReach <= token;
    }

    // How many elements from its first one a token of the operand spans, if batches and heads fit this pattern.
    private static bool Within(in OperandExtent extent, long token, out long reach)
    {
        reach = extent.Dimension;
        if (extent.Batch > 1 && extent.BatchStride % token != 0)
        {
            return false;
        }

        if (extent.Heads > 1 && extent.HeadStride % token != 0)
        {
            reach += (extent.Heads - 1) * (long)extent.HeadStride;
        }

        return reach <= token;
    }

    private static string Sizes(in OperandExtent extent) => $"batch {extent.Batch}, {extent.Heads} heads, {extent.Tokens} tokens, dimension {extent.Dimension}";
}
