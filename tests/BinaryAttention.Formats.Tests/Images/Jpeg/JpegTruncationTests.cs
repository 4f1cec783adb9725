using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>A file cut anywhere is refused, unless all coefficient data is left: then the whole picture comes out. Nothing in between.</summary>
public sealed class JpegTruncationTests
{
    public static TheoryData<string> Decodable => [.. GoldenJpegs.Decodable];

    [Theory]
    [MemberData(nameof(Decodable))]
    public void A_Cut_File_Is_Refused_Or_Complete(string name)
    {
        byte[] bytes = GoldenJpegs.Bytes(name);
        byte[] whole = ImageDecoder.Decode(bytes, name).Pixels;
        int shortestComplete = bytes.Length;
        for (int length = bytes.Length - 1; length >= 0; length--)
        {
            try
            {
                RgbImage image = ImageDecoder.Decode(bytes.AsSpan(0, length), name);
                Assert.True(image.Pixels.AsSpan().SequenceEqual(whole), $"{name} cut to {length} bytes decodes to another picture.");
                Assert.Equal(shortestComplete - 1, length);
                shortestComplete = length;
            }
            catch (FileFormatException error)
            {
                Assert.InRange(error.ByteOffset, 0, length);
            }
        }

        // Trailing junk aside, only the end marker may be missing.
        int end = bytes.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]);
        Assert.True(shortestComplete >= (end < 0 ? bytes.Length : end), $"{name} decodes with {shortestComplete} bytes.");
    }
}
