using System.IO.Compression;
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Datasets;

public sealed class ClassImageArchiveTests
{
    [Fact]
    public void Pictures_AreOrderedByNameThenClass()
    {
        using var folder = new TemporaryFolder();
        using var archive = ClassImageArchive.Open(Write(folder, ("dog/1.png", Picture(1)), ("cat/1.png", Picture(2)), ("cat/0.png", Picture(3)), ("dog/0.png", Picture(4))));
        Assert.Equal(["cat", "dog"], archive.Classes, StringComparer.Ordinal);
        Assert.Equal(["cat/0.png", "dog/0.png", "cat/1.png", "dog/1.png"], Enumerable.Range(0, 4).Select(archive.Name), StringComparer.Ordinal);
        Assert.Equal([0, 1, 0, 1], Enumerable.Range(0, 4).Select(archive.Label));
        Assert.Equal([3, 4, 2, 1], Enumerable.Range(0, 4).Select(i => (int)archive.Read(i).Pixels[0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => archive.Read(4));
    }

    [Fact]
    public void Folders_AsMembersAreAllowed()
    {
        using var folder = new TemporaryFolder();
        using var archive = ClassImageArchive.Open(Write(folder, ("cat/", []), ("cat/0.png", Picture(3))));
        Assert.Equal(1, archive.Count);
    }

    [Theory]
    [InlineData("cat/deep/0.png")]
    [InlineData("0.png")]
    [InlineData("cat/readme.txt")]
    [InlineData("/0.png")]
    public void Members_OfOtherNamesAreRefused(string name)
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, (name, Picture(1)));
        Assert.Contains("no picture of a class", Assert.Throws<FileFormatException>(() => ClassImageArchive.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_Hold()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, ("cat/0.png", Picture(1)), ("dog/0.png", Picture(1)));
        Assert.Contains("MaxClasses", Assert.Throws<FileFormatException>(() => ClassImageArchive.Open(path, new ClassImageArchiveLimits { MaxClasses = 1 })).Message, StringComparison.Ordinal);
        Assert.Throws<FileFormatException>(() => ClassImageArchive.Open(path, new ClassImageArchiveLimits { MaxPictures = 1 }));
        using var archive = ClassImageArchive.Open(path, new ClassImageArchiveLimits { Images = ImageLimits.Default with { MaxPixels = 3 } });
        Assert.Throws<FileFormatException>(() => archive.Read(0));
    }

    [Fact]
    public void Truncation_AtEveryByteIsAFormatError()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = File.ReadAllBytes(Write(folder, ("cat/0.png", Picture(1)), ("dog/0.png", Picture(2))));
        string path = Path.Combine(folder.FullPath, "cut.zip");
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<FileFormatException>(() => ClassImageArchive.Open(path).Dispose());
        }
    }

    [Fact]
    public void Mutation_OfAnyByteIsReadOrRefused()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = File.ReadAllBytes(Write(folder, ("cat/0.png", Picture(1)), ("dog/0.png", Picture(2))));
        string path = Path.Combine(folder.FullPath, "changed.zip");
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] changed = [.. whole];
            changed[at] ^= 0x55;
            File.WriteAllBytes(path, changed);
            try
            {
                using var archive = ClassImageArchive.Open(path);
                for (int i = 0; i < archive.Count; i++)
                {
                    archive.Read(i);
                }
            }
            catch (FileFormatException)
            {
                // Refused, as it should be.
            }
        }
    }

    private static byte[] Picture(byte level) => PngEncoder.Encode(new RgbImage(2, 2, [.. Enumerable.Repeat(level, 12)]));

    private static string Write(TemporaryFolder folder, params (string Name, byte[] Content)[] members)
    {
        string path = Path.Combine(folder.FullPath, "pictures.zip");
        using var stream = File.Create(path);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create);
        foreach ((string name, byte[] content) in members)
        {
            using Stream entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
            entry.Write(content);
        }

        return path;
    }
}
