using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Training.Data.Augmentation;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Data;

public sealed class LevelsTests
{
    private static readonly ByteImage Steps = Pictures.Grey(4, 0, 50, 100, 200);

    [Fact]
    public void Operations_HaveExactValues()
    {
        Assert.Equal([255, 205, 155, 55], Levels.Invert(Steps).Pixels);
        Assert.Equal([0, 50, 155, 55], Levels.Solarize(Steps, 100).Pixels);
        Assert.Equal([110, 160, 210, 200], Levels.SolarizeAdd(Steps, 110).Pixels);
        Assert.Equal([0, 0, 64, 192], Levels.Posterize(Steps, 2).Pixels);
        Assert.Equal([0, 0, 0, 0], Levels.Posterize(Steps, 0).Pixels);
        Assert.Equal([0, 63, 127, 254], Levels.AutoContrast(Steps).Pixels);
        Assert.Equal([0, 25, 50, 100], Levels.Brightness(Steps, 0.5).Pixels);
        Assert.Equal([0, 100, 200, 255], Levels.Brightness(Steps, 2).Pixels);
        Assert.Equal([44, 69, 94, 144], Levels.Contrast(Steps, 0.5).Pixels);
    }

    [Fact]
    public void FactorOne_ChangesNothing()
    {
        ByteImage image = Pictures.Random(1, 9, 7, 3);
        Assert.Equal(image.Pixels, Levels.Brightness(image, 1).Pixels);
        Assert.Equal(image.Pixels, Levels.Contrast(image, 1).Pixels);
        Assert.Equal(image.Pixels, Levels.Colour(image, 1).Pixels);
        Assert.Equal(image.Pixels, Levels.Sharpness(image, 1).Pixels);
    }

    [Fact]
    public void Colour_ZeroIsGrey()
    {
        ByteImage grey = Levels.Colour(Pictures.Random(2, 5, 5, 3), 0);
        Assert.All(Enumerable.Range(0, 25), i => Assert.Equal((grey.Pixels[3 * i], grey.Pixels[3 * i]), (grey.Pixels[(3 * i) + 1], grey.Pixels[(3 * i) + 2])));
    }

    [Fact]
    public void Sharpness_ZeroSmoothsTheInside() =>
        Assert.Equal([10, 10, 10, 10, 40, 10, 10, 10, 10], Levels.Sharpness(Pictures.Grey(3, 10, 10, 10, 10, 88, 10, 10, 10, 10), 0).Pixels);

    [Fact]
    public void Equalize_SpreadsAnEvenRamp()
    {
        // 1,024 pixels of four levels; 768 lie below the last, a step of 768 / 255 = 3: (1 + 256 n) / 3.
        byte[] pixels = [.. Enumerable.Range(0, 1024).Select(i => (byte)(100 + (i % 4)))];
        byte[] result = Levels.Equalize(new ByteImage(32, 32, 1, pixels)).Pixels;
        Assert.Equal([0, 85, 171, 255], result[..4]);
    }
}
