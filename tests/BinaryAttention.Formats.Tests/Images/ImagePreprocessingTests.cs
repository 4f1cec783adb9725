using System.Text.Json;
using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>The evaluation transform against golden network inputs, and its rules for sizes and arguments.</summary>
public sealed class ImagePreprocessingTests
{
    public static TheoryData<string> Photos() => new("chelsea.png", "coffee.png");

    [Theory]
    [MemberData(nameof(Photos))]
    public void DeiT_MatchesTheGoldenInput(string photo)
    {
        JsonElement golden = GoldenImages.Manifest.GetProperty("preprocess").GetProperty("cases").EnumerateArray()
            .Single(entry => entry.GetProperty("photo").GetString() == "photos/" + photo);
        RgbImage image = ImageDecoder.DecodeFile(GoldenImages.PhotoPath(photo));

        (int width, int height) = ImagePreprocessing.DeiT.ResizedSize(image.Width, image.Height);
        Assert.Equal(golden.GetProperty("resized_to").EnumerateArray().Select(static size => size.GetInt32()), [width, height]);
        Assert.Equal(golden.GetProperty("crop_left").GetInt32(), ImagePreprocessing.DeiT.CropOffset(width));
        Assert.Equal(golden.GetProperty("crop_top").GetInt32(), ImagePreprocessing.DeiT.CropOffset(height));

        float[] expected = NpyArray.Read(GoldenImages.PathOf(golden.GetProperty("npy").GetString()!)).Floats();
        float[] actual = ImagePreprocessing.DeiT.Apply(image);
        Assert.Equal(expected.Length, actual.Length);
        double tolerance = golden.GetProperty("tolerance").GetProperty("same_8bit_resize").GetDouble();
        Assert.InRange(expected.Zip(actual, static (a, b) => Math.Abs(a - b)).Max(), 0, tolerance);
    }

    [Theory]
    [InlineData(384, 438)]
    [InlineData(224, 256)]
    [InlineData(1, 1)]
    public void ForImageSize_KeepsDeiTsCropRatio(int imageSize, int shorterSide)
    {
        ImagePreprocessing preprocessing = ImagePreprocessing.ForImageSize(imageSize);
        Assert.Equal(shorterSide, preprocessing.ResizeShorterSide);
        Assert.Equal(imageSize, preprocessing.CropSize);
        Assert.Equal(ResizeFilter.Bicubic, preprocessing.Filter);
    }

    [Theory]
    [InlineData(100, 100, 256, 256)]
    [InlineData(640, 427, 383, 256)]
    [InlineData(427, 640, 256, 383)]
    [InlineData(1, 32768, 256, 8388608)]
    public void LongerSide_IsTruncated(int width, int height, int resizedWidth, int resizedHeight) =>
        Assert.Equal((resizedWidth, resizedHeight), ImagePreprocessing.DeiT.ResizedSize(width, height));

    [Theory]
    [InlineData(224, 0)]
    [InlineData(225, 0)]
    [InlineData(226, 1)]
    [InlineData(227, 2)]
    [InlineData(383, 80)]
    public void CropMargins_RoundHalvesToEven(int size, int offset) => Assert.Equal(offset, ImagePreprocessing.DeiT.CropOffset(size));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 30000)]
    [InlineData(30000, 1)]
    [InlineData(3, 2)]
    public void TinyAndElongatedPictures_AreEnlargedWithoutHugeMemory(int width, int height)
    {
        RgbImage image = ImageResizerTests.Noise(width, height, seed: 5);
        long before = GC.GetAllocatedBytesForCurrentThread();
        float[] values = ImagePreprocessing.DeiT.Apply(image);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
        Assert.Equal(3 * 224 * 224, values.Length);
        Assert.All(values, static value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void Apply_WritesPlanesInOrder()
    {
        var preprocessing = new ImagePreprocessing(2, 2, [0f, 0f, 0f], [1f, 0.5f, 0.25f], ResizeFilter.Bilinear);
        var image = new RgbImage(2, 2, [255, 255, 255, 0, 0, 0, 51, 51, 51, 102, 102, 102]);
        Assert.Equal([1f, 0f, 0.2f, 0.4f, 2f, 0f, 0.4f, 0.8f, 4f, 0f, 0.8f, 1.6f], preprocessing.Apply(image));
        Assert.Equal(12, preprocessing.ValueCount);
    }

    [Fact]
    public void Refuses_BadArguments()
    {
        var crop = Assert.Throws<ArgumentOutOfRangeException>(() => new ImagePreprocessing(200, 224));
        Assert.Contains("does not fit into a shorter side of 200", crop.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImagePreprocessing(200, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImagePreprocessing(int.MaxValue, int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImagePreprocessing(filter: (ResizeFilter)7));
        Assert.Throws<ArgumentException>(() => new ImagePreprocessing(mean: [0f, 0f]));
        Assert.Throws<ArgumentException>(() => new ImagePreprocessing(mean: [0f, 0f, float.NaN]));
        Assert.Throws<ArgumentException>(() => new ImagePreprocessing(standardDeviation: [1f, 1f, 0f]));
        Assert.Throws<ArgumentException>(() => new ImagePreprocessing(standardDeviation: [1f, 1f, 1f, 1f]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImagePreprocessing.ForImageSize(0));
        RgbImage image = ImageResizerTests.Noise(3, 3, seed: 1);
        Assert.Throws<ArgumentException>(() => ImagePreprocessing.DeiT.Apply(image, new float[7]));
        Assert.Throws<ArgumentNullException>(() => ImagePreprocessing.DeiT.Apply(null!));
        Assert.Throws<ArgumentException>(() => new ImagePreprocessing(100_000, 10).Apply(ImageResizerTests.Noise(1, 30_000, seed: 1)));
    }

    [Fact]
    public void Equality_ComparesValues()
    {
        Assert.Equal(ImagePreprocessing.DeiT, ImagePreprocessing.ForImageSize(224));
        Assert.Equal(ImagePreprocessing.DeiT.GetHashCode(), ImagePreprocessing.ForImageSize(224).GetHashCode());
        Assert.NotEqual(ImagePreprocessing.DeiT, new ImagePreprocessing(mean: [0.5f, 0.5f, 0.5f]));
        Assert.NotEqual(ImagePreprocessing.DeiT, new ImagePreprocessing(filter: ResizeFilter.Bilinear));
    }
}
