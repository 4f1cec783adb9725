using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images;

public sealed class PngEncoderTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 40)]
    [InlineData(40, 1)]
    [InlineData(14, 14)]
    [InlineData(197, 197)]
    public void Pictures_ComeBackExactly(int width, int height)
    {
        var noise = new byte[3 * width * height];
        new Random(width + height).NextBytes(noise);
        byte[] smooth = [.. Enumerable.Range(0, noise.Length).Select(i => (byte)((i / 3 % width) + (i / (3 * width))))];
        foreach (byte[] pixels in (byte[][])[noise, smooth, new byte[noise.Length]])
        {
            RgbImage back = ImageDecoder.Decode(PngEncoder.Encode(new RgbImage(width, height, pixels)), "picture");
            Assert.Equal((width, height), (back.Width, back.Height));
            Assert.Equal(pixels, back.Pixels);
        }
    }

    [Fact]
    public void EvenPictures_AreSmall() => Assert.InRange(PngEncoder.Encode(new RgbImage(224, 224, new byte[3 * 224 * 224])).Length, 60, 1000);

    [Fact]
    public void SamePicture_SameBytes()
    {
        var image = new RgbImage(7, 5, [.. Enumerable.Range(0, 105).Select(static i => (byte)(i * 31))]);
        Assert.Equal(PngEncoder.Encode(image), PngEncoder.Encode(image));
    }
}
