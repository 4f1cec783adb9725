// Every size check of a call and its message, once. Nothing here reads an operand's data.
namespace BinaryAttention.Shapes;

internal static unsafe class ShapeChecks
{
    /// <summary>Longest query or key sequence: room is left to round up to whole blocks.</summary>
    public const int MaxLength = int.MaxValue - 65_536;

    // The fewest tokens of a work item in any kernel.
    private const int WorkItemTokens = 16;

    // Zero strides make shapes cheap that no memory holds.
    private const long MaxElements = 1L << 44;

    /// <summary>Reads lengths and strides of a rank-4 tensor, in either layout, and refuses what cannot be read in place.</summary>
    public static OperandExtent Extent(ReadOnlySpan<nint> lengths, ReadOnlySpan<nint> strides, TensorLayout layout, string name)
    {
        if (lengths.Length != 4)
        {
            throw new ArgumentException($"{name} has rank {lengths.Length}; rank 4 is expected: {LayoutText(layout)}.", name);
        }

        for (int axis = 0; axis < 4; axis++)
        {
            if (lengths[axis] is < 1 or > int.MaxValue)
            {
                throw new ArgumentException($"{name} has length {lengths[axis]} in dimension {axis}; every length must be between 1 and {int.MaxValue}.", name);
            }

            // A dimension of length 1 reports stride 0 and is never stepped over.
            if (lengths[axis] > 1 && strides[axis] < 0)
            {
                throw new ArgumentException($"{name} has stride {strides[axis]} in dimension {axis}; negative strides are not read. Copy it into a dense tensor first.", name);
            }
        }

        if (lengths[3] > 1 && strides[3] != 1)
        {
            throw new ArgumentException($"{name} has stride {strides[3]} in its last dimension; channels must be contiguous (stride 1). Copy it into a dense tensor first.", name);
        }

        (int headAxis, int tokenAxis) = layout == TensorLayout.TokenHeadDimension ? (2, 1) : (1, 2);
        return new OperandExtent(name, (int)lengths[0], (int)lengths[headAxis], (int)lengths[tokenAxis], (int)lengths[3], strides[0], strides[headAxis], strides[tokenAxis]);
    }

    /// <summary>The extents of the four operands of a plain-span call: query, key, value, destination.</summary>
    public static (OperandExtent Query, OperandExtent Key, OperandExtent Value, OperandExtent Destination) Extents(in AttentionShape shape, TensorLayout layout)
    {
        Positive(shape.BatchSize, nameof(shape.BatchSize));
        Positive(shape.HeadCount, nameof(shape.HeadCount));
        Positive(shape.QueryLength, nameof(shape.QueryLength));
        Positive(shape.KeyLength, nameof(shape.KeyLength));
        Positive(shape.HeadDimension, nameof(shape.HeadDimension));
        Positive(shape.ValueDimension, nameof(shape.ValueDimension));
        if (shape.KeyHeadCount < 0)
        {
            throw new ArgumentException($"shape.KeyHeadCount is {shape.KeyHeadCount}; it must be 0 (as many as HeadCount) or a divisor of HeadCount {shape.HeadCount}.", nameof(shape));
        }

        int keyHeads = shape.EffectiveKeyHeadCount;
        return (
            Dense("query", shape.BatchSize, shape.HeadCount, shape.QueryLength, shape.HeadDimension, shape.QueryTokenStride, layout),
            Dense("key", shape.BatchSize, keyHeads, shape.KeyLength, shape.HeadDimension, shape.KeyTokenStride, layout),
            Dense("value", shape.BatchSize, keyHeads, shape.KeyLength, shape.ValueDimension, shape.ValueTokenStride, layout),
            Dense("destination", shape.BatchSize, shape.HeadCount, shape.QueryLength, shape.ValueDimension, shape.DestinationTokenStride, layout));
    }

    /// <summary>Checks that the operands fit one another and gives the shape they describe.</summary>
    public static AttentionShape Match(in OperandExtent query, in OperandExtent key, in OperandExtent value, in OperandExtent destination)
    {
        Same(query, key, "batch size", query.Batch, key.Batch);
        Same(query, value, "batch size", query.Batch, value.Batch);
        Same(query, destination, "batch size", query.Batch, destination.Batch);
        Same(query, key, "headDimension", query.Dimension, key.Dimension);
        Same(key, value, "head count", key.Heads, value.Heads);
        Same(key, value, "length", key.Tokens, value.Tokens);
        Same(query, destination, "head count", query.Heads, destination.Heads);
        Same(query, destination, "length", query.Tokens, destination.Tokens);
        Same(value, destination, "valueDimension", value.Dimension, destination.Dimension);
        if (query.Heads % key.Heads != 0)
        {
            throw new ArgumentException($"key has {key.Heads} heads; query has {query.Heads}. The number of key heads must divide the number of query heads.", nameof(key));
        }

        // Kernels count heads and work items and round lengths up to whole blocks in 32 bits, and bytes, padded and widened, in 63.
        Elements(query);
        Elements(key);
        Elements(value);
        Countable(query.Batch * (long)query.Heads * (((long)query.Tokens + WorkItemTokens - 1) / WorkItemTokens), int.MaxValue, "number of work items, batch size times head count times tiles of 16 tokens,", nameof(query));
        Countable(query.Batch * (long)query.Heads, int.MaxValue, "batch size times head count", nameof(query));
        Countable(query.Tokens, MaxLength, "length", nameof(query));
        Countable(key.Tokens, MaxLength, "length", nameof(key));
        return new AttentionShape(query.Batch, query.Heads, query.Tokens, key.Tokens, query.Dimension, value.Dimension) { KeyHeadCount = key.Heads };
    }

    /// <summary>Refuses a span that is shorter than the elements its shape touches.</summary>
    public static void Length(int length, in OperandExtent extent)
    {
        if (length <= extent.LastElement)
        {
            throw new ArgumentException($"{extent.Name} has {length} elements; its shape [{extent.Batch}, {extent.Heads} heads, {extent.Tokens} tokens, {extent.Dimension}] with token stride {extent.TokenStride} needs {extent.LastElement + 1}.", extent.Name);
        }
    }

    /// <summary>Refuses a destination that overlaps itself.</summary>
    public static void DestinationStrides(in OperandExtent destination)
    {
        // Sorted from the innermost outwards, every stride must step over all that lies within.
        Span<(nint Stride, int Length)> axes = [(destination.TokenStride, destination.Tokens), (destination.HeadStride, destination.Heads), (destination.BatchStride, destination.Batch)];
        axes.Sort(static (a, b) => a.Stride.CompareTo(b.Stride));
        long reach = destination.Dimension;
        foreach ((nint stride, int length) in axes)
        {
            if (length == 1)
            {
                continue;
            }

            if (stride < reach)
            {
                throw new ArgumentException($"{destination.Name} overlaps itself: a stride of {stride} over {length} entries is smaller than the {reach} elements within. Give a destination whose elements are all distinct.", destination.Name);
            }

            reach = (stride * (long)(length - 1)) + reach;
        }
    }

    /// <summary>Refuses a destination whose memory range meets an operand's; kernels read operands while they write.</summary>
    public static void NoOverlap(float* destination, in OperandExtent destinationExtent, float* operand, in OperandExtent extent)
    {
        float* destinationEnd = destination + destinationExtent.LastElement;
        float* operandEnd = operand + extent.LastElement;
        if (destination <= operandEnd && operand <= destinationEnd)
        {
            throw new ArgumentException($"destination overlaps {extent.Name} in memory. Give a destination of its own.", nameof(destination));
        }
    }

    /// <summary>Refuses a log-sum-exp buffer that meets the destination or an operand.</summary>
    public static void NoOverlap(float* logSumExp, int length, float* operand, in OperandExtent extent)
    {
        if (length > 0 && logSumExp <= operand + extent.LastElement && operand < logSumExp + length)
        {
            throw new ArgumentException($"logSumExp overlaps {extent.Name} in memory. Give a buffer of its own.", nameof(logSumExp));
        }
    }

    /// <summary>Refuses a log-sum-exp buffer of another length; empty means not wanted.</summary>
    public static void LogSumExp(int length, in AttentionShape shape)
    {
        long expected = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        if (length != 0 && length != expected)
        {
            throw new ArgumentException($"logSumExp has {length} elements; [batch, heads, queryLength] = {shape.BatchSize} x {shape.HeadCount} x {shape.QueryLength} needs {expected} (or an empty span).", "logSumExp");
        }
    }

    /// <summary>Refuses a bias whose sizes do not fit the call.</summary>
    public static void Bias(AttentionBias bias, in AttentionShape shape)
    {
        BiasSize("batch size", bias.BatchSize, shape.BatchSize, allowOne: true);
        BiasSize("head count", bias.HeadCount, shape.HeadCount, allowOne: true);
        BiasSize("keyLength", bias.KeyLength, shape.KeyLength, allowOne: false);
        if (bias.Kind != AttentionBiasKind.PerKey)
        {
            BiasSize("queryLength", bias.QueryLength, shape.QueryLength, allowOne: false);
        }
    }

    private static void BiasSize(string what, int actual, int expected, bool allowOne)
    {
        if (actual != expected && !(allowOne && actual == 1))
        {
            throw new ArgumentException($"Bias has {what} {actual}; the call has {expected}. Both must match{(allowOne ? ", or the bias has 1 to be shared" : string.Empty)}.", "options");
        }
    }

    private static OperandExtent Dense(string name, int batch, int heads, int tokens, int dimension, int tokenStride, TensorLayout layout)
    {
        bool tokensFirst = layout == TensorLayout.TokenHeadDimension;
        long denseToken = tokensFirst ? (long)heads * dimension : dimension;
        if (tokenStride != 0 && tokenStride < denseToken)
        {
            throw new ArgumentException($"{name} has token stride {tokenStride}; one token holds {denseToken} elements. The stride must be 0 (dense) or at least that.", "shape");
        }

        long token = tokenStride == 0 ? denseToken : tokenStride;
        Int128 elements = (Int128)token * tokens * (tokensFirst ? 1 : heads) * batch; // 64 bits may wrap
        if (elements > int.MaxValue * 4L)
        {
            throw new ArgumentException($"{name} would span {elements} elements; a span holds at most {int.MaxValue}. Use tensor spans or fewer items per call.", "shape");
        }

        long head = tokensFirst ? dimension : token * tokens;
        long item = tokensFirst ? token * tokens : head * heads;
        return new OperandExtent(name, batch, heads, tokens, dimension, (nint)item, (nint)head, (nint)token);
    }

    private static void Positive(int value, string name)
    {
        if (value < 1)
        {
            throw new ArgumentException($"shape.{name} is {value}; it must be at least 1.", "shape");
        }
    }

    private static void Elements(in OperandExtent extent)
    {
        Int128 elements = (Int128)extent.Batch * extent.Heads * extent.Tokens * extent.Dimension;
        if (elements > MaxElements)
        {
            throw new ArgumentException($"{extent.Name} has {elements} elements; at most {MaxElements} are supported. Split the call.", extent.Name);
        }
    }

    private static void Countable(long value, int limit, string what, string name)
    {
        if (value > limit)
        {
            throw new ArgumentException($"{name} has {what} {value}; at most {limit} is supported. Split the call.", name);
        }
    }

    private static void Same(in OperandExtent left, in OperandExtent right, string what, int leftSize, int rightSize)
    {
        if (leftSize != rightSize)
        {
            throw new ArgumentException($"{right.Name} has {what} {rightSize}; {left.Name} has {leftSize}. Both must match.", right.Name);
        }
    }

    private static string LayoutText(TensorLayout layout) =>
        layout == TensorLayout.TokenHeadDimension ? "[batch, tokens, heads, dimension]" : "[batch, heads, tokens, dimension]";
}
