// Refusals of the plain-span calls: each message names parameter, value and expectation, and the outputs stay untouched.
using Xunit;

namespace BinaryAttention.Tests.PublicDoor;

public sealed class SpanDoorTests
{
    [Fact]
    public void Accepts_TheUnspoiledCall() => new DoorCall().Binary();

    [Fact]
    public void Rejects_SizesBelowOne()
    {
        AttentionShape good = new DoorCall().Shape;
        new DoorCall { Shape = good with { BatchSize = 0 } }.Refused<ArgumentException>("shape.BatchSize is 0", "at least 1");
        new DoorCall { Shape = good with { HeadCount = -1 } }.Refused<ArgumentException>("shape.HeadCount is -1", "at least 1");
        new DoorCall { Shape = good with { QueryLength = 0 } }.Refused<ArgumentException>("shape.QueryLength is 0", "at least 1");
        new DoorCall { Shape = good with { KeyLength = 0 } }.Refused<ArgumentException>("shape.KeyLength is 0", "at least 1");
        new DoorCall { Shape = good with { HeadDimension = 0 } }.Refused<ArgumentException>("shape.HeadDimension is 0", "at least 1");
        new DoorCall { Shape = good with { ValueDimension = int.MinValue } }.Refused<ArgumentException>("shape.ValueDimension is -2147483648", "at least 1");
        new DoorCall { Shape = good with { KeyHeadCount = -2 } }.Refused<ArgumentException>("KeyHeadCount is -2", "divisor of HeadCount 4");
    }

    [Fact]
    public void Rejects_KeyHeadsThatDoNotDivideQueryHeads()
    {
        var call = new DoorCall { Key = new float[2 * 3 * 5 * 8], Value = new float[2 * 3 * 5 * 6] };
        call.Shape = call.Shape with { KeyHeadCount = 3 };
        call.Refused<ArgumentException>("key has 3 heads", "query has 4", "must divide");
    }

    [Fact]
    public void Rejects_ShortSpans()
    {
        new DoorCall { Query = new float[191] }.Refused<ArgumentException>("query has 191 elements", "needs 192");
        new DoorCall { Key = new float[159] }.Refused<ArgumentException>("key has 159 elements", "needs 160");
        new DoorCall { Value = [] }.Refused<ArgumentException>("value has 0 elements", "needs 120");
        new DoorCall { Destination = new float[143] }.Refused<ArgumentException>("destination has 143 elements", "needs 144");
    }

    [Fact]
    public void Rejects_ShortSpans_UnderTokenStrides()
    {
        var call = new DoorCall();
        call.Shape = call.Shape with { KeyTokenStride = 9 };
        call.Refused<ArgumentException>("key has 160 elements", "token stride 9", "needs 179"); // 20 tokens, the last of 8 elements
    }

    [Fact]
    public void Rejects_TokenStridesBelowOneToken()
    {
        var call = new DoorCall();
        call.Shape = call.Shape with { QueryTokenStride = 7 };
        call.Refused<ArgumentException>("query has token stride 7", "holds 8");
        call.Shape = new DoorCall().Shape with { DestinationTokenStride = -6 };
        call.Refused<ArgumentException>("destination has token stride -6", "holds 6");
        call.Options = new BinaryAttentionOptions { Layout = TensorLayout.TokenHeadDimension };
        call.Shape = new DoorCall().Shape with { ValueTokenStride = 11 };
        call.Refused<ArgumentException>("value has token stride 11", "holds 12");
    }

    [Fact]
    public void Rejects_LogSumExpOfAnotherLength()
    {
        new DoorCall { LogSumExp = new float[23] }.Refused<ArgumentException>("logSumExp has 23 elements", "2 x 4 x 3", "needs 24");
        new DoorCall { LogSumExp = new float[25] }.Refused<ArgumentException>("logSumExp has 25 elements", "needs 24");
        new DoorCall { LogSumExp = [] }.Binary();
    }

    [Fact]
    public void Rejects_DestinationThatOverlapsAnOperand()
    {
        AttentionShape shape = new(1, 1, 2, 2, 4, 4);
        var memory = new float[64];
        float[] other = new float[16];
        Check("query", () => Attention.BinaryScaledDotProduct(memory.AsSpan(0, 8), other, other, memory.AsSpan(7, 8), shape));
        Check("key", () => Attention.BinaryScaledDotProduct(other, memory.AsSpan(8, 8), other, memory.AsSpan(1, 8), shape));
        Check("value", () => Attention.ScaledDotProduct(other, other, memory.AsSpan(0, 8), memory.AsSpan(0, 8), shape));
        Attention.BinaryScaledDotProduct(memory.AsSpan(0, 8), other, other, memory.AsSpan(8, 8), shape);

        static void Check(string name, Action call)
        {
            ArgumentException exception = Assert.Throws<ArgumentException>(call);
            Assert.Contains($"destination overlaps {name}", exception.Message, StringComparison.Ordinal);
            Assert.Equal("destination", exception.ParamName);
        }
    }

    [Fact]
    public void Cancelled_ThrowsAndWritesNothing()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        new DoorCall { CancellationToken = source.Token }.Refused<OperationCanceledException>();
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            var call = new DoorCall();
            Attention.ScaledDotProduct(call.Query, call.Key, call.Value, call.Destination, call.Shape, cancellationToken: source.Token);
        });
    }

    [Fact]
    public void Rejects_LogSumExpThatOverlapsAnything()
    {
        AttentionShape shape = new(1, 1, 4, 4, 2, 2);
        float[] query = new float[8], key = new float[8], value = new float[8], destination = new float[8], logSumExp = new float[4];
        foreach ((string name, float[] memory) in (ReadOnlySpan<(string, float[])>)[("query", query), ("key", key), ("value", value), ("destination", destination)])
        {
            foreach (int offset in (int[])[0, 4])
            {
                ArgumentException exception = Assert.Throws<ArgumentException>(() => Attention.ScaledDotProduct(query, key, value, destination, shape, null, memory.AsSpan(offset, 4)));
                Assert.Contains($"logSumExp overlaps {name}", exception.Message, StringComparison.Ordinal);
                Assert.Equal("logSumExp", exception.ParamName);
            }
        }

        using AttentionPlan plan = AttentionPlan.Create(shape, new BinaryAttentionOptions());
        plan.SetKeyValue(key, value);
        Assert.Throws<ArgumentException>(() => plan.Run(query, destination, query.AsSpan(4)));
        Assert.Throws<ArgumentException>(() => plan.Run(query, destination, destination.AsSpan(0, 4)));
        plan.Run(query, destination, logSumExp);

        // Neighbours in one array do not overlap.
        var memoryOfAll = new float[28];
        Attention.ScaledDotProduct(memoryOfAll.AsSpan(0, 8), key, value, memoryOfAll.AsSpan(12, 8), shape, null, memoryOfAll.AsSpan(8, 4));
        Attention.ScaledDotProduct(memoryOfAll.AsSpan(0, 8), key, value, memoryOfAll.AsSpan(8, 8), shape, null, memoryOfAll.AsSpan(16, 4));
    }

    // 65,536^4 elements are 2^64, which 64-bit arithmetic takes for 0.
    [Fact]
    public void Rejects_SizesWhoseProductWraps()
    {
        foreach (TensorLayout layout in Enum.GetValues<TensorLayout>())
        {
            new DoorCall { Shape = new AttentionShape(65_536, 65_536, 65_536, 65_536, 65_536, 65_536), Options = new() { Layout = layout } }
                .Refused<ArgumentException>("query would span 18446744073709551616 elements");
        }
    }
}
