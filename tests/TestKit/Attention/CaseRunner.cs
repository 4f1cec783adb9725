// Runs a case through the public door, or through a kernel made by hand. Every call lies between canaries, and its inputs are compared with copies afterwards.
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Shapes;

namespace TestKit.Attention;

/// <summary>Runs cases.</summary>
public static class CaseRunner
{
    private const int CanaryElements = 67;
    private const float Canary = -1234.5678f;

    /// <summary>One-bit attention by a named kernel (the best one if null).</summary>
    public static AttentionResult Binary(AttentionCase attentionCase, string? kernel, int? threads = null) =>
        Binary(attentionCase, attentionCase.MakeOperands(), kernel, threads);

    /// <summary>One-bit attention of given operands.</summary>
    public static AttentionResult Binary(AttentionCase attentionCase, Operands operands, string? kernel, int? threads = null) =>
        Run(attentionCase, operands, attentionCase.BinaryOptions(kernel, threads), isBinary: true);

    /// <summary>Exact attention by a named kernel.</summary>
    public static AttentionResult Exact(AttentionCase attentionCase, string? kernel, int? threads = null) =>
        Exact(attentionCase, attentionCase.MakeOperands(), kernel, threads);

    /// <summary>Exact attention of given operands.</summary>
    public static AttentionResult Exact(AttentionCase attentionCase, Operands operands, string? kernel, int? threads = null) =>
        Run(attentionCase, operands, attentionCase.ExactOptions(kernel, threads), isBinary: false);

    /// <summary>A call with given options.</summary>
    public static AttentionResult Run(AttentionCase attentionCase, Operands operands, AttentionOptions options, bool isBinary) =>
        Guarded(attentionCase, operands, (query, key, value, destination, logSumExp) =>
        {
            if (options is EightBitAttentionOptions eightBit)
            {
                BinaryAttention.Attention.EightBitScaledDotProduct(query, key, value, destination.AsSpan(), attentionCase.StridedShape, eightBit, logSumExp.AsSpan());
            }
            else if (isBinary)
            {
                BinaryAttention.Attention.BinaryScaledDotProduct(query, key, value, destination.AsSpan(), attentionCase.StridedShape, (BinaryAttentionOptions)options, logSumExp.AsSpan());
            }
            else
            {
                BinaryAttention.Attention.ScaledDotProduct(query, key, value, destination.AsSpan(), attentionCase.StridedShape, options, logSumExp.AsSpan());
            }
        });

    /// <summary>The same through a plan.</summary>
    public static AttentionResult Plan(AttentionCase attentionCase, Operands operands, AttentionOptions options) =>
        Guarded(attentionCase, operands, (query, key, value, destination, logSumExp) =>
        {
            using AttentionPlan plan = AttentionPlan.Create(attentionCase.StridedShape, options);
            plan.SetKeyValue(key, value);
            plan.Run(query, destination.AsSpan(), logSumExp.AsSpan());
        });

    /// <summary>A kernel run that was made by hand.</summary>
    internal static AttentionResult Direct(AttentionCase attentionCase, bool isBinary, Func<AttentionSpecification, KernelRun> create) =>
        Guarded(attentionCase, attentionCase.MakeOperands(), (query, key, value, destination, logSumExp) =>
        {
            AttentionOptions options = isBinary ? attentionCase.BinaryOptions(threads: 1) : attentionCase.ExactOptions(threads: 1);
            AttentionSpecification specification = SpecificationBuilder.Build(attentionCase.Shape, options, isBinary);
            (OperandExtent queryExtent, OperandExtent keyExtent, OperandExtent valueExtent, OperandExtent destinationExtent) = ShapeChecks.Extents(attentionCase.StridedShape, attentionCase.Layout);
            using KernelRun run = CalibratedRun.Create(new HandMadeKernel(create), specification);
            unsafe
            {
                fixed (float* queryData = query, keyData = key, valueData = value, destinationData = destination.AsSpan(), logSumExpData = logSumExp.AsSpan())
                {
                    run.SetKeyValue(keyExtent.View(keyData), valueExtent.View(valueData), CancellationToken.None);
                    run.SetQuery(queryExtent.View(queryData), CancellationToken.None);
                    run.Attend(destinationExtent.View(destinationData), logSumExpData, CancellationToken.None);
                }
            }
        });

    /// <summary>Swaps the two middle dimensions of <c>[batch, first, second, dimension]</c>.</summary>
    public static float[] SwapMiddle(ReadOnlySpan<float> values, int batch, int first, int second, int dimension)
    {
        var swapped = new float[values.Length];
        for (int item = 0; item < batch; item++)
        {
            for (int i = 0; i < first; i++)
            {
                for (int j = 0; j < second; j++)
                {
                    values.Slice(((((item * first) + i) * second) + j) * dimension, dimension).CopyTo(swapped.AsSpan(((((item * second) + j) * first) + i) * dimension));
                }
            }
        }

        return swapped;
    }

    /// <summary>Puts a gap of NaN between the tokens; none after the last.</summary>
    public static float[] Spread(float[] tokens, int width, int gap)
    {
        if (gap == 0)
        {
            return (float[])tokens.Clone();
        }

        int count = tokens.Length / width;
        var spread = new float[(count * (width + gap)) - gap];
        Array.Fill(spread, float.NaN);
        for (int token = 0; token < count; token++)
        {
            tokens.AsSpan(token * width, width).CopyTo(spread.AsSpan(token * (width + gap)));
        }

        return spread;
    }

    private static AttentionResult Guarded(AttentionCase c, Operands operands, Action<float[], float[], float[], ArraySegment<float>, ArraySegment<float>> call)
    {
        bool tokensFirst = c.Layout == TensorLayout.TokenHeadDimension;
        float[] query = Laid(c, operands.Query, c.Heads, c.Queries, c.HeadDimension);
        float[] key = Laid(c, operands.Key, c.KeyHeads, c.Keys, c.HeadDimension);
        float[] value = Laid(c, operands.Value, c.KeyHeads, c.Keys, c.ValueDimension);
        var (queryCopy, keyCopy, valueCopy) = ((float[])query.Clone(), (float[])key.Clone(), (float[])value.Clone());
        int width = tokensFirst ? c.Heads * c.ValueDimension : c.ValueDimension;
        int tokens = c.Batch * c.Heads * c.Queries * c.ValueDimension / width;
        ArraySegment<float> destination = BetweenCanaries((tokens * (width + c.TokenGap)) - c.TokenGap);
        ArraySegment<float> logSumExp = BetweenCanaries(c.Batch * c.Heads * c.Queries);
        call(query, key, value, destination, logSumExp);
        CheckCanaries(destination, nameof(destination));
        CheckCanaries(logSumExp, nameof(logSumExp));
        CheckUnchanged(queryCopy, query, nameof(query));
        CheckUnchanged(keyCopy, key, nameof(key));
        CheckUnchanged(valueCopy, value, nameof(value));
        float[] dense = Dense(destination, tokens, width, c.TokenGap);
        float[] output = tokensFirst ? SwapMiddle(dense, c.Batch, c.Queries, c.Heads, c.ValueDimension) : dense;
        return new AttentionResult(output, logSumExp.ToArray());
    }

    private static float[] Laid(AttentionCase c, float[] values, int heads, int tokens, int dimension) => c.Layout == TensorLayout.TokenHeadDimension
        ? Spread(SwapMiddle(values, c.Batch, heads, tokens, dimension), heads * dimension, c.TokenGap)
        : Spread(values, dimension, c.TokenGap);

    private static float[] Dense(ArraySegment<float> spread, int tokens, int width, int gap)
    {
        var dense = new float[tokens * width];
        for (int token = 0; token < tokens; token++)
        {
            spread.AsSpan(token * (width + gap), width).CopyTo(dense.AsSpan(token * width));
            if (token < tokens - 1 && spread.AsSpan((token * (width + gap)) + width, gap).ContainsAnyExcept(Canary))
            {
                throw new InvalidOperationException("The call wrote between tokens of destination.");
            }
        }

        return dense;
    }

    private static ArraySegment<float> BetweenCanaries(int length)
    {
        var all = new float[length + (2 * CanaryElements)];
        Array.Fill(all, Canary);
        return new ArraySegment<float>(all, CanaryElements, length);
    }

    private static void CheckCanaries(ArraySegment<float> segment, string name)
    {
        float[] all = segment.Array!;
        if (all.AsSpan(0, CanaryElements).ContainsAnyExcept(Canary) || all.AsSpan(all.Length - CanaryElements).ContainsAnyExcept(Canary))
        {
            throw new InvalidOperationException($"The call wrote outside {name}.");
        }
    }

    private static void CheckUnchanged(float[] expected, float[] actual, string name)
    {
        if (!System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(expected).SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(actual)))
        {
            throw new InvalidOperationException($"The call changed {name}.");
        }
    }
}
