using BinaryAttention.Models.Reports;
using Xunit;

namespace BinaryAttention.Models.Tests.Reports;

public sealed class ColourRampTests
{
    [Fact]
    public void Lightness_RisesAllTheWay()
    {
        double last = -1;
        for (int i = 0; i <= 100; i++)
        {
            (byte red, byte green, byte blue) = ColourRamp.At(i / 100.0);
            double lightness = (0.2126 * red) + (0.7152 * green) + (0.0722 * blue);
            Assert.True(lightness > last, $"lightness falls at {i} %");
            last = lightness;
        }
    }

    [Fact]
    public void ValuesOffTheRamp_HaveAColourToo()
    {
        Assert.Equal(ColourRamp.At(0), ColourRamp.At(-1));
        Assert.Equal(ColourRamp.At(1), ColourRamp.At(double.PositiveInfinity));
        Assert.Equal((128, 128, 128), ColourRamp.At(double.NaN));
    }
}
