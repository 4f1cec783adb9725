using BinaryAttention.Formats;
using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Cli.Tests;

public sealed class PlainMessageTests
{
    [Fact]
    public void ParameterNamesAndValues_AreLeftOut()
    {
        Assert.Equal("Too many.", PlainMessage.Of(new ArgumentException("Too many.", "count")));
        Assert.Equal("Too many.", PlainMessage.Of(new ArgumentOutOfRangeException("count", 12, "Too many.")));
        Assert.Equal("a.bin: no model. Too many.", PlainMessage.Of(new FileFormatException("a.bin", $"no model. {new ArgumentException("Too many.", "count").Message}")));
        Assert.Equal("(Parameter of another kind", PlainMessage.Of(new InvalidOperationException("(Parameter of another kind")));
    }

    [Fact]
    public void RemediesOfCode_AreReplaced()
    {
        var small = new ImageLimits { MaxSide = 1, MaxPixels = 1 };
        byte[] picture = File.ReadAllBytes(TestKit.RepositoryFolder.PathOf("samples/photos/coffee.png"));
        string message = PlainMessage.Of(Assert.Throws<FileFormatException>(() => ImageDecoder.Decode(picture, "coffee.png", small)));
        Assert.DoesNotContain("ImageLimits", message, StringComparison.Ordinal);
        Assert.Contains("limit is fixed", message, StringComparison.Ordinal);
    }
}
