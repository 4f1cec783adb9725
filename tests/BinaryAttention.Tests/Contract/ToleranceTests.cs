// The tolerance rule itself: what it must not let pass.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class ToleranceTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void NonFiniteResults_Violate_WhereverTheyStand(int index)
    {
        float[] expected = [1f, 2f, 3f];
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            float[] actual = [1f, 2f, 3f];
            actual[index] = bad;
            Assert.NotNull(Tolerance.Violation("output", expected, expected, actual));
            Assert.NotNull(Tolerance.Violation("output", actual, expected, expected));
        }

        Assert.Null(Tolerance.Violation("output", expected, expected, expected));
    }
}
