using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Training.Data.Augmentation;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Data;

public sealed class GeometryTests
{
    private static readonly ByteImage Square = Pictures.Grey(3, 1, 2, 3, 4, 5, 6, 7, 8, 9);

    [Fact]
    public void Flip_ExchangesLeftAndRight() => Assert.Equal([3, 2, 1, 6, 5, 4, 9, 8, 7], Cropping.Flip(Square).Pixels);

    [Fact]
    public void Shift_FillsWhatComesIn() => Assert.Equal([0, 1, 2, 0, 4, 5, 0, 7, 8], Cropping.Shift(Square, -1, 0, [0]).Pixels);

    [Fact]
    public void Affine_IdentityAndQuarterTurns()
    {
        Assert.Equal(Square.Pixels, Affine.About(Square).Apply(Square, [0]).Pixels);
        Assert.Equal([3, 6, 9, 2, 5, 8, 1, 4, 7], Affine.About(Square, degrees: 90).Apply(Square, [0]).Pixels);
        Assert.Equal([9, 8, 7, 6, 5, 4, 3, 2, 1], Affine.About(Square, degrees: 180).Apply(Square, [0]).Pixels);
    }

    [Fact]
    public void Affine_MovesAndShears()
    {
        Assert.Equal([0, 1, 2, 0, 4, 5, 0, 7, 8], Affine.About(Square, moveX: 1).Apply(Square, [0]).Pixels);
        Assert.Equal([0, 0, 0, 1, 2, 3, 4, 5, 6], Affine.About(Square, moveY: 1).Apply(Square, [0]).Pixels);

        // Rows of the result read one pixel further left above the centre and further right below it.
        Assert.Equal([0, 1, 2, 4, 5, 6, 8, 9, 0], Affine.About(Square, shearX: 1).Apply(Square, [0]).Pixels);
    }

    [Fact]
    public void Window_FollowsItsRanges()
    {
        RandomStream random = new Randomness(3).Stream("test");
        double area = 0;
        const int Draws = 4000;
        for (int i = 0; i < Draws; i++)
        {
            (int left, int top, int width, int height) = Cropping.Window(200, 100, 0.2, 0.4, 0.5, 2, ref random);
            Assert.True(left >= 0 && top >= 0 && left + width <= 200 && top + height <= 100);
            Assert.InRange((double)width / height, 0.47, 2.13);
            area += width * height / 20_000.0;
        }

        Assert.InRange(area / Draws, 0.29, 0.31);
    }

    [Fact]
    public void Window_OfAnImpossibleRatio_IsTheCentre()
    {
        RandomStream random = new Randomness(3).Stream("test");
        Assert.Equal((195, 0, 10, 10), Cropping.Window(400, 10, 1, 1, 1, 1, ref random));
    }

    [Fact]
    public void Erasing_TakesItsShareWithItsProbability()
    {
        int erased = 0;
        double share = 0;
        for (int i = 0; i < 1000; i++)
        {
            RandomStream random = new Randomness(i).Stream("test");
            var pixels = new float[3 * 32 * 32];
            RandomErasing.Apply(pixels, 3, 32, 32, 0.25, ref random);
            int changed = pixels.Count(static pixel => pixel != 0);
            if (changed > 0)
            {
                erased++;
                share += changed / (double)pixels.Length;
                Assert.InRange(changed / (double)pixels.Length, 0.01, 0.36);
            }
        }

        Assert.InRange(erased, 200, 300);
        Assert.InRange(share / erased, 0.13, 0.2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void RandAugment_KeepsTheSizeInEveryOperation(int channels)
    {
        ByteImage image = Pictures.Random(5, 17, 11, channels);
        byte[] fill = [.. Enumerable.Repeat((byte)99, channels)];
        for (int operation = 0; operation < RandAugment.OperationCount; operation++)
        {
            foreach (double level in (double[])[0, 0.5, 1])
            {
                ByteImage result = RandAugment.Apply(image, operation, level, -1, fill);
                Assert.Equal((17, 11, channels), (result.Width, result.Height, result.Channels));
            }
        }
    }

    [Fact]
    public void Resize_OfGreyEqualsThatOfThreeEqualChannels()
    {
        ByteImage grey = Pictures.Random(8, 13, 9, 1), colour = ByteImage.FromRgb(grey.ToRgb()).Resize(20, 5);
        Assert.Equal(colour.Pixels.Where((_, i) => i % 3 == 1), grey.Resize(20, 5).Pixels);
    }
}
