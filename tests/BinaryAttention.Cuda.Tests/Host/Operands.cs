namespace BinaryAttention.Cuda.Tests.Host;

/// <summary>Seeded operands of a plain-span call, long enough for its strides.</summary>
internal sealed class Operands
{
    public Operands(AttentionShape shape, TensorLayout layout, int seed)
    {
        Shape = shape;
        Layout = layout;
        var random = new Random(seed);
        int keyHeads = shape.KeyHeadCount == 0 ? shape.HeadCount : shape.KeyHeadCount;
        Query = Values(random, Length(shape.HeadCount, shape.QueryLength, shape.HeadDimension, shape.QueryTokenStride));
        Key = Values(random, Length(keyHeads, shape.KeyLength, shape.HeadDimension, shape.KeyTokenStride));
        Value = Values(random, Length(keyHeads, shape.KeyLength, shape.ValueDimension, shape.ValueTokenStride));
        OutputLength = Length(shape.HeadCount, shape.QueryLength, shape.ValueDimension, shape.DestinationTokenStride);
        RowCount = shape.BatchSize * shape.HeadCount * shape.QueryLength;
    }

    public AttentionShape Shape { get; }

    public TensorLayout Layout { get; }

    public float[] Query { get; }

    public float[] Key { get; }

    public float[] Value { get; }

    public int OutputLength { get; }

    public int RowCount { get; }

    /// <summary>Output and log-sum-exp on a backend; both start as a canary, which gaps must keep.</summary>
    public (float[] Output, float[] LogSumExp) Run(IAttentionBackend backend, BinaryAttentionOptions options, bool wantsLogSumExp = true)
    {
        var output = new float[OutputLength];
        var logSumExp = new float[wantsLogSumExp ? RowCount : 0];
        Array.Fill(output, 12345f);
        backend.BinaryScaledDotProduct(Query, Key, Value, output, Shape, options with { Layout = Layout }, logSumExp);
        return (output, logSumExp);
    }

    public static void AssertSameBits(float[] expected, float[] actual) =>
        Xunit.Assert.Equal(expected.Select(BitConverter.SingleToUInt32Bits), actual.Select(BitConverter.SingleToUInt32Bits));

    private int Length(int heads, int tokens, int dimension, int stride)
    {
        int dense = Layout == TensorLayout.TokenHeadDimension ? heads * dimension : dimension;
        int rows = Layout == TensorLayout.TokenHeadDimension ? tokens : heads * tokens;
        return Shape.BatchSize * rows * Math.Max(stride, dense);
    }

    private static float[] Values(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() * 4) - 2))];
}
