using BinaryAttention.Formats.Images.Jpeg;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>Colour equations against their definition, and the chroma filters on rows small enough to check by hand.</summary>
public sealed class JpegColorTests
{
    [Fact]
    public void YCbCr_Is_Within_A_Rounding_Of_The_Definition()
    {
        var rgb = new byte[3];
        for (int y = 0; y < 256; y += 5)
        {
            for (int cb = 0; cb < 256; cb += 3)
            {
                for (int cr = 0; cr < 256; cr += 3)
                {
                    ColorConversion.FromYCbCr([(byte)y], [(byte)cb], [(byte)cr], rgb);
                    Assert.InRange(rgb[0] - Math.Clamp(y + (1.402 * (cr - 128)), 0, 255), -0.501, 0.501);
                    Assert.InRange(rgb[1] - Math.Clamp(y - (0.344136 * (cb - 128)) - (0.714136 * (cr - 128)), 0, 255), -0.501, 0.501);
                    Assert.InRange(rgb[2] - Math.Clamp(y + (1.772 * (cb - 128)), 0, 255), -0.501, 0.501);
                }
            }
        }
    }

    [Fact]
    public void Black_Ink_Scales_The_Light()
    {
        byte[] rgb = [255, 128, 0, 200, 200, 200];
        ColorConversion.ApplyInvertedBlack([255, 0], rgb);
        Assert.Equal([255, 128, 0, 0, 0, 0], rgb);
    }

    [Fact]
    public void Horizontal_Filter_Weighs_Three_To_One()
    {
        var wide = new byte[6];
        RowUpsampler.Horizontal([10, 20, 41], wide);
        Assert.Equal([10, 13, 17, 25, 36, 41], wide);
    }

    [Fact]
    public void Vertical_Filter_Rounds_Halves_Down_Above_And_Up_Below()
    {
        var row = new byte[2];
        RowUpsampler.Vertical([10, 11], [12, 13], farIsBelow: false, row);
        Assert.Equal([10, 11], row);
        RowUpsampler.Vertical([10, 11], [12, 13], farIsBelow: true, row);
        Assert.Equal([11, 12], row);
    }

    [Fact]
    public void Filter_In_Both_Directions_Rounds_Once()
    {
        var wide = new byte[4];
        RowUpsampler.Both([100, 0], [0, 0], wide);

        // Columns blend to 300 and 0 fourths, then (3 * 300 + 300), (3 * 300 + 0), (0 + 300), 0 sixteenths.
        Assert.Equal([75, 56, 19, 0], wide);
    }

    [Theory]
    [InlineData(1, 2, 0, 0, 1, 1, 2, 2)]
    [InlineData(1, 4, 0, 0, 0, 0, 1, 1)]
    [InlineData(2, 3, 0, 0, 1, 2, 2, 3)]
    [InlineData(1, 1, 0, 1, 2, 3, 4, 5)]
    public void Repetition_Takes_The_Sample_At_Or_Before_The_Pixel(int numerator, int denominator, params int[] expected)
    {
        var wide = new byte[expected.Length];
        RowUpsampler.Repeat([0, 1, 2, 3, 4, 5], numerator, denominator, wide);
        Assert.Equal(expected, wide.Select(value => (int)value));
    }

    [Fact]
    public void Constant_Rows_Stay_Constant()
    {
        for (int value = 0; value < 256; value++)
        {
            byte[] row = [.. Enumerable.Repeat((byte)value, 9)];
            var wide = new byte[18];
            RowUpsampler.Horizontal(row, wide);
            Assert.All(wide, sample => Assert.Equal(value, sample));
            RowUpsampler.Both(row, row, wide);
            Assert.All(wide, sample => Assert.Equal(value, sample));
        }
    }
}
