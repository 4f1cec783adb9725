using BinaryAttention.Formats.Images;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>Random pictures of every PNG form, written by the tests' own encoder, come back exactly.</summary>
public sealed class PngRoundTripTests
{
    private static readonly (int ColourType, int BitDepth)[] AllForms =
        [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)];

    public static TheoryData<int, int, bool> Forms()
    {
        var data = new TheoryData<int, int, bool>();
        foreach ((int colourType, int bitDepth) in AllForms)
        {
            data.Add(colourType, bitDepth, false);
            data.Add(colourType, bitDepth, true);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void EverySizeFrom1To9_Decodes(int colourType, int bitDepth, bool interlaced)
    {
        for (int width = 1; width <= 9; width++)
        {
            for (int height = 1; height <= 9; height++)
            {
                var samples = new PngSamples(width, height, colourType, bitDepth, interlaced, seed: 100 * width + height);
                Assert.Equal(samples.Rgb(), PngBuilder.Decode(samples.Encode()).Pixels);
            }
        }
    }

    [Fact]
    public void RandomFormsSizesAndChunkings_Decode()
    {
        Gen<(int Form, int Width, int Height, bool Interlaced, int Pieces, int Seed)> cases =
            from form in Gen.Choose(0, AllForms.Length - 1)
            from width in Gen.Choose(1, 90)
            from height in Gen.Choose(1, 40)
            from interlaced in ArbMap.Default.GeneratorFor<bool>()
            from pieces in Gen.Choose(1, 60)
            from seed in Gen.Choose(0, int.MaxValue)
            select (form, width, height, interlaced, pieces, seed);
        Prop.ForAll(Arb.From(cases), static c =>
        {
            var samples = new PngSamples(c.Width, c.Height, AllForms[c.Form].ColourType, AllForms[c.Form].BitDepth, c.Interlaced, c.Seed);
            RgbImage image = PngBuilder.Decode(samples.Encode(c.Pieces));
            return image.Width == c.Width && image.Height == c.Height && samples.Rgb().AsSpan().SequenceEqual(image.Pixels);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithReplay(20_25, 11));
    }

    [Fact]
    public void SixteenBitSamples_RoundToTheNearestLevel()
    {
        for (int value = 0; value <= 65535; value++)
        {
            Assert.Equal((byte)Math.Round(value / 257.0, MidpointRounding.ToEven), PngRowConverter.ToEightBits(value));
        }
    }

    [Fact]
    public void Crc_MatchesTheBitwiseDefinition()
    {
        var random = new Random(4);
        for (int length = 0; length < 40; length++)
        {
            var data = new byte[length];
            random.NextBytes(data);
            Assert.Equal(PngBuilder.Crc(data), Crc32.Compute(data));
        }

        Assert.Equal(0xCBF43926u, Crc32.Compute("123456789"u8));
    }
}
