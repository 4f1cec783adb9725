using System.Text.Json;
using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>Every JPEG case of the manifest: decoded within its tolerance or refused, as the manifest says.</summary>
public sealed class JpegGoldenTests
{
    public static TheoryData<string> All => [.. GoldenJpegs.Names];

    public static TheoryData<string> Decodable => [.. GoldenJpegs.Decodable];

    [Fact]
    public void The_Manifest_Lists_Every_Jpeg_File()
    {
        string[] files = [.. Directory.GetFiles(GoldenJpegs.Folder, "jpeg_*.jpg").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        string[] cases = [.. GoldenJpegs.Names.Where(name => name.StartsWith("jpeg_", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Assert.Equal(files, cases);
        Assert.True(cases.Length >= 30, $"only {cases.Length} cases.");
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Decodes_Or_Refuses_As_The_Manifest_Says(string name)
    {
        byte[] bytes = GoldenJpegs.Bytes(name);
        string expected = GoldenJpegs.Case(name).GetProperty("expected").GetString()!;
        bool decodes = GoldenJpegs.Decodable.Contains(name, StringComparer.Ordinal);
        Assert.True(decodes || expected != "decode", $"{name} has to decode.");
        if (decodes)
        {
            Assert.False(expected == "error", $"{name} has an array but is to be refused.");
            RgbImage image = ImageDecoder.Decode(bytes, name);
            Assert.Equal(GoldenJpegs.Case(name).GetProperty("width").GetInt32(), image.Width);
            Assert.Equal(GoldenJpegs.Case(name).GetProperty("height").GetInt32(), image.Height);
        }
        else
        {
            FileFormatException error = Assert.Throws<FileFormatException>(() => ImageDecoder.Decode(bytes, name));
            Assert.StartsWith(name + ": ", error.Message, StringComparison.Ordinal);
            Assert.InRange(error.ByteOffset, 0, bytes.Length);
        }
    }

    [Theory]
    [MemberData(nameof(Decodable))]
    public void Matches_The_Array_Within_Its_Tolerance(string name)
    {
        JsonElement tolerance = GoldenJpegs.Case(name).GetProperty("tolerance");
        (int largest, double mean) = Compare(name);
        Assert.InRange(largest, 0, tolerance.GetProperty("max_abs").GetInt32());
        Assert.InRange(mean, 0, tolerance.GetProperty("mean_abs").GetDouble());
    }

    [Theory]
    [MemberData(nameof(Decodable))]
    public void Matches_The_Array_Exactly(string name) => Assert.Equal(0, Compare(name).Largest);

    [Fact]
    public void Names_Arithmetic_Coding()
    {
        FileFormatException error = Assert.Throws<FileFormatException>(() => ImageDecoder.Decode(GoldenJpegs.Bytes("jpeg_arithmetic_64x48.jpg")));
        Assert.Contains("arithmetic", error.Message, StringComparison.Ordinal);
    }

    private static (int Largest, double Mean) Compare(string name)
    {
        RgbImage image = ImageDecoder.Decode(GoldenJpegs.Bytes(name), name);
        (int[] shape, byte[] expected) = NpyBytes.Read(Path.Combine(GoldenJpegs.Folder, name + ".npy"));
        Assert.Equal([image.Height, image.Width, 3], shape);
        int largest = 0;
        long sum = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            int difference = Math.Abs(expected[i] - image.Pixels[i]);
            largest = Math.Max(largest, difference);
            sum += difference;
        }

        return (largest, (double)sum / expected.Length);
    }
}
