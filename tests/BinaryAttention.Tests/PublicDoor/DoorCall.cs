using Xunit;

namespace BinaryAttention.Tests.PublicDoor;

/// <summary>One call over plain spans whose parts a test spoils one at a time; a refusal must leave the outputs untouched.</summary>
internal sealed class DoorCall
{
    private const float Untouched = 42.5f;

    public AttentionShape Shape { get; set; } = new(2, 4, 3, 5, 8, 6) { KeyHeadCount = 2 };

    public BinaryAttentionOptions Options { get; set; } = new();

    public float[] Query { get; set; } = new float[2 * 4 * 3 * 8];

    public float[] Key { get; set; } = new float[2 * 2 * 5 * 8];

    public float[] Value { get; set; } = new float[2 * 2 * 5 * 6];

    public float[] Destination { get; set; } = new float[2 * 4 * 3 * 6];

    public float[] LogSumExp { get; set; } = new float[2 * 4 * 3];

    public CancellationToken CancellationToken { get; set; }

    /// <summary>Runs one-bit attention.</summary>
    public void Binary() => Attention.BinaryScaledDotProduct(Query, Key, Value, Destination, Shape, Options, LogSumExp, CancellationToken);

    /// <summary>Asserts that the call throws, that the message holds all parts, and that nothing was written.</summary>
    public TException Refused<TException>(params ReadOnlySpan<string> parts)
        where TException : Exception
    {
        Array.Fill(Destination, Untouched);
        Array.Fill(LogSumExp, Untouched);
        TException exception = Assert.ThrowsAny<TException>(Binary);
        foreach (string part in parts)
        {
            Assert.Contains(part, exception.Message, StringComparison.Ordinal);
        }

        Assert.All(Destination, value => Assert.Equal(Untouched, value));
        Assert.All(LogSumExp, value => Assert.Equal(Untouched, value));
        return exception;
    }
}
