// Refusals of the tensor-span calls, and the traps of tensor spans: length-1 dimensions with stride 0, views, self-overlapping destinations.
using System.Numerics.Tensors;
using Xunit;

namespace BinaryAttention.Tests.PublicDoor;

public sealed class TensorDoorTests
{
    [Fact]
    public void Rejects_AnotherRank()
    {
        Refused([1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4], "query has rank 3", "rank 4", "[batch, heads, tokens, dimension]");
        Refused([1, 2, 3, 4], [1, 1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4], "key has rank 5");
        Refused([1, 2, 3, 4], [1, 2, 3, 4], [24], [1, 2, 3, 4], "value has rank 1");
        Refused([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4], [2, 12], "destination has rank 2");
    }

    [Fact]
    public void Rejects_SizesThatDoNotFitOneAnother()
    {
        nint[] query = [2, 4, 3, 8];
        nint[] key = [2, 2, 5, 8];
        nint[] value = [2, 2, 5, 6];
        nint[] destination = [2, 4, 3, 6];
        Refused(query, [1, 2, 5, 8], value, destination, "key has batch size 1", "query has 2");
        Refused(query, key, [3, 2, 5, 6], destination, "value has batch size 3", "query has 2");
        Refused(query, key, value, [1, 4, 3, 6], "destination has batch size 1", "query has 2");
        Refused(query, [2, 2, 5, 48], value, destination, "key has headDimension 48", "query has 8");
        Refused(query, key, [2, 4, 5, 6], destination, "value has head count 4", "key has 2");
        Refused(query, key, [2, 2, 4, 6], destination, "value has length 4", "key has 5");
        Refused(query, key, value, [2, 2, 3, 6], "destination has head count 2", "query has 4");
        Refused(query, key, value, [2, 4, 5, 6], "destination has length 5", "query has 3");
        Refused(query, key, value, [2, 4, 3, 8], "destination has valueDimension 8", "value has 6");
        Refused(query, [2, 3, 5, 8], [2, 3, 5, 6], destination, "key has 3 heads", "query has 4", "must divide");
    }

    [Fact]
    public void Rejects_EmptyDimensions() =>
        Refused([1, 1, 2, 4], [1, 1, 0, 4], [1, 1, 0, 4], [1, 1, 2, 4], "key has length 0 in dimension 2", "between 1 and");

    [Fact]
    public void Rejects_ChannelsThatAreNotContiguous()
    {
        Tensor<float> query = Tensor.PermuteDimensions(Tensor.Create(new float[24], [1, 1, 4, 6]), [0, 1, 3, 2]);
        Tensor<float> other = Tensor.Create(new float[24], [1, 1, 6, 4]);
        Tensor<float> destination = Tensor.Create(new float[24], [1, 1, 6, 4]);
        ArgumentException exception = Assert.Throws<ArgumentException>(() => Attention.BinaryScaledDotProduct(query, other, other, destination));
        Assert.Contains("query has stride 6 in its last dimension", exception.Message, StringComparison.Ordinal);
        Assert.Contains("contiguous", exception.Message, StringComparison.Ordinal);
    }

    // A stride of 0 repeats tokens: legal for operands, self-overlap for a destination.
    [Fact]
    public void StrideZero_IsLegalForOperands_AndRefusedForTheDestination()
    {
        var memory = new float[8];
        Array.Fill(memory, 1.5f);
        var repeated = new ReadOnlyTensorSpan<float>(memory, [1, 2, 5, 4], [0, 4, 0, 1]);
        var destination = new float[40];
        Attention.BinaryScaledDotProduct(repeated, repeated, repeated, new TensorSpan<float>(destination, [1, 2, 5, 4]));
        Assert.All(destination, value => Assert.Equal(1.5f, value));

        ArgumentException exception = Assert.Throws<ArgumentException>(() =>
            Attention.BinaryScaledDotProduct(
                new ReadOnlyTensorSpan<float>(new float[40], [1, 2, 5, 4]), new ReadOnlyTensorSpan<float>(new float[40], [1, 2, 5, 4]), new ReadOnlyTensorSpan<float>(new float[40], [1, 2, 5, 4]),
                new TensorSpan<float>(new float[8], [1, 2, 5, 4], [0, 4, 0, 1])));
        Assert.Contains("destination overlaps itself", exception.Message, StringComparison.Ordinal);
        Assert.Contains("stride of 0", exception.Message, StringComparison.Ordinal);
    }

    // Every dimension but the channels has length 1 and reports stride 0.
    [Fact]
    public void Accepts_DimensionsOfLengthOne()
    {
        float[] value = [1f, 2f, 3f];
        var destination = new float[3];
        Attention.BinaryScaledDotProduct(
            new ReadOnlyTensorSpan<float>(new float[4], [1, 1, 1, 4]), new ReadOnlyTensorSpan<float>(new float[4], [1, 1, 1, 4]), new ReadOnlyTensorSpan<float>(value, [1, 1, 1, 3]),
            new TensorSpan<float>(destination, [1, 1, 1, 3]));
        Assert.Equal(value, destination);
    }

    [Fact]
    public void Rejects_DestinationThatOverlapsAnOperand()
    {
        Tensor<float> memory = Tensor.Create(new float[24], [1, 1, 6, 4]);
        Tensor<float> other = Tensor.Create(new float[24], [1, 1, 6, 4]);
        ArgumentException exception = Assert.Throws<ArgumentException>(() => Attention.ScaledDotProduct(memory, other, other, memory));
        Assert.Contains("destination overlaps query", exception.Message, StringComparison.Ordinal);
    }

    private static void Refused(nint[] query, nint[] key, nint[] value, nint[] destination, params ReadOnlySpan<string> parts)
    {
        var output = new float[Count(destination)];
        Array.Fill(output, 42.5f);
        ArgumentException exception = Assert.Throws<ArgumentException>(() => Attention.BinaryScaledDotProduct(
            new ReadOnlyTensorSpan<float>(new float[Count(query)], query), new ReadOnlyTensorSpan<float>(new float[Count(key)], key), new ReadOnlyTensorSpan<float>(new float[Count(value)], value),
            new TensorSpan<float>(output, destination)));
        foreach (string part in parts)
        {
            Assert.Contains(part, exception.Message, StringComparison.Ordinal);
        }

        Assert.All(output, element => Assert.Equal(42.5f, element));
    }

    private static int Count(nint[] lengths) => (int)lengths.Aggregate((nint)1, (product, length) => product * length);
}
