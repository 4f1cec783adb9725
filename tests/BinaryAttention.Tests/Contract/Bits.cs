using Xunit;

namespace BinaryAttention.Tests.Contract;

/// <summary>Equality of floats bit for bit; any NaN equals any NaN, because its payload is the processor's business.</summary>
internal static class Bits
{
    public static void Equal(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(actual[i]) || (float.IsNaN(expected[i]) && float.IsNaN(actual[i]));
            if (!same)
            {
                Assert.Fail($"{what}[{i}] is {actual[i]:R} (0x{BitConverter.SingleToInt32Bits(actual[i]):X8}); expected {expected[i]:R} (0x{BitConverter.SingleToInt32Bits(expected[i]):X8}).");
            }
        }
    }

    public static void Equal(TestKit.Attention.AttentionResult expected, TestKit.Attention.AttentionResult actual)
    {
        Equal(expected.Output, actual.Output, "output");
        Equal(expected.LogSumExp, actual.LogSumExp, "logSumExp");
    }
}
