using System.Text.Json;
using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>Resizing against the golden arrays, which come from Pillow's arithmetic, and the rules of the API.</summary>
public sealed class ImageResizerTests
{
    public static TheoryData<int> Cases() => new(Enumerable.Range(0, Manifest.GetArrayLength()));

    private static JsonElement Manifest => GoldenImages.Manifest.GetProperty("resize").GetProperty("cases");

    [Theory]
    [MemberData(nameof(Cases))]
    public void EightBit_MatchesBitForBit(int index)
    {
        ResizeCase golden = ResizeCase.Read(Manifest[index]);

        RgbImage resized = ImageResizer.Resize(golden.SourceImage(), golden.Width, golden.Height, golden.Filter);

        Assert.Equal(golden.Width, resized.Width);
        Assert.Equal(golden.Height, resized.Height);
        Assert.Equal(ResizeCase.ToRgb(golden.ExpectedBytes), resized.Pixels);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Float_MatchesWithinTheManifestsTolerance(int index)
    {
        ResizeCase golden = ResizeCase.Read(Manifest[index]);
        float[] source = [.. golden.Source.Bytes().Select(static value => (float)value)];

        float[] resized = ImageResizer.Resize(source, golden.Source.Shape[1], golden.Source.Shape[0], golden.ChannelCount, golden.Width, golden.Height, golden.Filter);

        float[] expected = golden.ExpectedFloats.Floats();
        Assert.Equal(expected.Length, resized.Length);
        double tolerance = GoldenImages.Manifest.GetProperty("resize").GetProperty("tolerance").GetProperty("f32_max_abs").GetDouble();
        Assert.InRange(expected.Zip(resized, static (a, b) => Math.Abs(a - b)).Max(), 0, tolerance);
    }

    [Fact]
    public void Cases_AreAllThere() => Assert.Equal(26, Cases().Count);

    [Theory]
    [InlineData(ResizeFilter.Bilinear)]
    [InlineData(ResizeFilter.Bicubic)]
    public void Window_EqualsFullResizeThenCrop(ResizeFilter filter)
    {
        RgbImage source = Noise(53, 41, seed: 3);
        foreach ((int width, int height) in new[] { (20, 30), (53, 17), (31, 41), (53, 41), (80, 90), (200, 12) })
        {
            RgbImage full = ImageResizer.Resize(source, width, height, filter);
            for (int left = 0; left < width - 4; left += 7)
            {
                int top = left % (height - 5);
                RgbImage window = ImageResizer.ResizeWindow(source, width, height, filter, left, top, 4, 5);
                for (int row = 0; row < 5; row++)
                {
                    Assert.Equal(full.Pixels.AsSpan(3 * ((top + row) * width + left), 12).ToArray(), window.Pixels.AsSpan(12 * row, 12).ToArray());
                }
            }
        }
    }

    [Theory]
    [InlineData(ResizeFilter.Bilinear)]
    [InlineData(ResizeFilter.Bicubic)]
    public void ConstantPictures_StayConstant(ResizeFilter filter)
    {
        foreach (byte level in new byte[] { 0, 1, 127, 254, 255 })
        {
            var image = new RgbImage(37, 29, [.. Enumerable.Repeat(level, 37 * 29 * 3)]);
            foreach ((int width, int height) in new[] { (1, 1), (5, 90), (36, 30), (300, 2) })
            {
                Assert.All(ImageResizer.Resize(image, width, height, filter).Pixels, value => Assert.Equal(level, value));
            }
        }
    }

    [Fact]
    public void ExtremeWeights_DoNotOverflowTheAccumulators()
    {
        // The bound in ResampleTaps.FixedPoint: the sum of |weights| stays below 2^31 / (255 * 2^22) = 2.0.
        foreach (int source in new[] { 1, 2, 3, 4, 5, 7, 16, 100, 1000 })
        {
            for (int destination = 1; destination < 300; destination++)
            {
                ResampleTaps taps = ResampleTaps.Create(source, destination, 0, destination, ResizeFilter.Bicubic);
                int[] weights = taps.FixedPoint();
                for (int i = 0; i < destination; i++)
                {
                    long magnitude = weights.AsSpan(i * taps.Stride, taps.Count[i]).ToArray().Sum(static weight => (long)Math.Abs(weight));
                    Assert.InRange(magnitude * 255 + (1 << 21), 0, 1_500_000_000L);
                }
            }
        }
    }

    [Fact]
    public void SameSize_ReturnsThePicture()
    {
        RgbImage image = Noise(5, 4, seed: 1);
        Assert.Same(image, ImageResizer.Resize(image, 5, 4, ResizeFilter.Bicubic));
        float[] plane = [1f, float.NaN, 3f, 4f];
        Assert.Equal(plane, ImageResizer.Resize(plane, 2, 2, 1, 2, 2, ResizeFilter.Bilinear));
    }

    [Fact]
    public void Refuses_BadArguments()
    {
        RgbImage image = Noise(5, 4, seed: 1);
        Assert.Throws<ArgumentNullException>(() => ImageResizer.Resize(null!, 1, 1, ResizeFilter.Bicubic));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageResizer.Resize(image, 0, 4, ResizeFilter.Bicubic));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageResizer.Resize(image, 4, -1, ResizeFilter.Bicubic));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageResizer.Resize(image, 4, 4, (ResizeFilter)9));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageResizer.Resize(image, int.MaxValue, int.MaxValue, ResizeFilter.Bicubic));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageResizer.Resize(new float[4], 2, 2, 0, 1, 1, ResizeFilter.Bicubic));
        var exception = Assert.Throws<ArgumentException>(() => ImageResizer.Resize(new float[5], 2, 2, 1, 1, 1, ResizeFilter.Bicubic));
        Assert.Contains("source has 5 values; 2 rows of 2 pixels with 1 channels need 4.", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ImageResizer.Resize([], int.MaxValue, int.MaxValue, int.MaxValue, 1, 1, ResizeFilter.Bicubic));
    }

    internal static RgbImage Noise(int width, int height, int seed)
    {
        var pixels = new byte[3 * width * height];
        new Random(seed).NextBytes(pixels);
        return new RgbImage(width, height, pixels);
    }
}
