using System.Text.Json;
using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>Every PNG case of the golden manifest: decoded exactly, or refused.</summary>
public sealed class PngGoldenTests
{
    public static TheoryData<string> Decodable() => GoldenImages.PngFiles("decode");

    public static TheoryData<string> Damaged() => GoldenImages.PngFiles("error");

    [Theory]
    [MemberData(nameof(Decodable))]
    public void Decodes(string file)
    {
        JsonElement entry = GoldenImages.PngCases("decode").Single(candidate => candidate.GetProperty("file").GetString() == file);
        NpyArray expected = NpyArray.Read(GoldenImages.PathOf(entry.GetProperty("npy").GetString()!));

        RgbImage image = ImageDecoder.DecodeFile(GoldenImages.PathOf(file));

        Assert.Equal(entry.GetProperty("width").GetInt32(), image.Width);
        Assert.Equal(entry.GetProperty("height").GetInt32(), image.Height);
        Assert.Equal([image.Height, image.Width, 3], expected.Shape);

        // The manifest allows one level for 16-bit files; the rounding here is the exact one.
        Assert.Equal(expected.Bytes(), image.Pixels);
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void Refuses(string file)
    {
        string path = GoldenImages.PathOf(file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var exception = Assert.Throws<FileFormatException>(() => ImageDecoder.DecodeFile(path));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.StartsWith(path + ": ", exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.ByteOffset, 0, new FileInfo(path).Length);
        Assert.InRange(allocated, 0, 4 << 20);
    }

    [Fact]
    public void Manifest_HasTheCasesItShouldHave()
    {
        Assert.Equal(18, Decodable().Count);
        Assert.Equal(10, Damaged().Count);
    }
}
