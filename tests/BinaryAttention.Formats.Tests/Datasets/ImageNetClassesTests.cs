using BinaryAttention.Formats.Datasets;
using Xunit;

namespace BinaryAttention.Formats.Tests.Datasets;

/// <summary>The class list is complete and in order.</summary>
public sealed class ImageNetClassesTests
{
    [Theory]
    [InlineData(0, "tench")]
    [InlineData(1, "goldfish")]
    [InlineData(285, "Egyptian cat")]
    [InlineData(441, "beer glass")]
    [InlineData(967, "espresso")]
    [InlineData(999, "toilet tissue")]
    public void Names_AreInTheOrderOfTheSynsets(int index, string name) => Assert.Equal(name, ImageNetClasses.Name(index));

    [Fact]
    public void Names_AreOneThousand_NoneBlank()
    {
        Assert.Equal(1000, ImageNetClasses.Names.Count);
        Assert.All(ImageNetClasses.Names, static name => Assert.Equal(name.Trim(), name));
        Assert.Equal(998, ImageNetClasses.Names.Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1000)]
    [InlineData(int.MinValue)]
    public void Refuses_IndicesOutsideTheList(int index) => Assert.Throws<ArgumentOutOfRangeException>(() => ImageNetClasses.Name(index));
}
