using BinaryAttention.Formats.Datasets;
using Xunit;

namespace BinaryAttention.Formats.Tests.Datasets;

/// <summary>Which files a folder holds, how listed paths are matched to it, and what is refused before any work.</summary>
public sealed class LabelledImageFolderTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void WithoutLabels_TakesPicturesOfAllSubfolders_InOrdinalOrder()
    {
        foreach (string file in new[] { "b.PNG", "a.jpg", "sub/deep/c.JPEG", "Z.jpeg", "notes.txt", "png", "a.png.bak" })
        {
            _root.Add(file);
        }

        LabelledImageFolder folder = LabelledImageFolder.Open(_root.FullPath + Path.DirectorySeparatorChar);

        Assert.Equal(["Z.jpeg", "a.jpg", "b.PNG", "sub/deep/c.JPEG"], folder.Images.Select(static image => image.RelativePath), StringComparer.Ordinal);
        Assert.All(folder.Images, static image => Assert.Equal(-1, image.Label));
        Assert.All(folder.Images, static image => Assert.True(File.Exists(image.Path)));
        Assert.False(folder.HasLabels);
    }

    [Fact]
    public void WithLabels_KeepsTheOrderOfTheFile()
    {
        _root.Add("b.png");
        _root.Add("a.png");
        LabelledImageFolder folder = LabelledImageFolder.Open(_root.FullPath, _root.Add("labels.csv", "file,label\nb.png,7\na.png,0\n"));

        Assert.Equal([("b.png", 7), ("a.png", 0)], folder.Images.Select(static image => (image.RelativePath, image.Label)));
        Assert.Equal(_root.PathOf("b.png"), folder.Images[0].Path);
        Assert.True(folder.HasLabels);
        Assert.Equal(0, folder.SkippedCount);
    }

    [Theory]
    [InlineData("data/labels.csv")]
    [InlineData("elsewhere/labels.csv")]
    public void LabelsOfSeveralFolders_WorkForTheWholeAndForOneFolder(string labelsFile)
    {
        _root.Add("data/train/a.png");
        _root.Add("data/val/b.png");
        _root.Add("data/val/c.png");
        string labels = _root.Add(labelsFile, "file,label\ntrain/a.png,1\nval/b.png,2\nval/c.png,3\n");

        LabelledImageFolder whole = LabelledImageFolder.Open(_root.PathOf("data"), labels);
        Assert.Equal(["train/a.png", "val/b.png", "val/c.png"], whole.Images.Select(static image => image.RelativePath), StringComparer.Ordinal);
        Assert.Equal(0, whole.SkippedCount);

        LabelledImageFolder part = LabelledImageFolder.Open(_root.PathOf("data/val"), labels);
        Assert.Equal([("b.png", 2), ("c.png", 3)], part.Images.Select(static image => (image.RelativePath, image.Label)));
        Assert.Equal(_root.PathOf("data/val/b.png"), part.Images[0].Path);
        Assert.Equal(1, part.SkippedCount);
    }

    [Fact]
    public void PathsRelativeToTheLabelsFile_WorkAtAnyDepth()
    {
        _root.Add("imagenet/val/b.png");
        string labels = _root.Add("labels.csv", "imagenet/val/b.png,2\nimagenet/train/a.png,1\n");
        LabelledImageFolder folder = LabelledImageFolder.Open(_root.PathOf("imagenet/val"), labels);
        Assert.Equal("b.png", Assert.Single(folder.Images).RelativePath);
        Assert.Equal(1, folder.SkippedCount);
    }

    [Fact]
    public void PartlyMissingFolder_IsRefused_NotSkipped()
    {
        _root.Add("data/val/b.png");
        string labels = _root.Add("data/labels.csv", "train/a.png,1\nval/b.png,2\n");
        var whole = Assert.Throws<FileFormatException>(() => LabelledImageFolder.Open(_root.PathOf("data"), labels));
        Assert.Contains("1 of 2 listed files do not exist in", whole.Message, StringComparison.Ordinal);
        Assert.Contains("train/a.png (line 1)", whole.Message, StringComparison.Ordinal);

        // Chosen by its prefix, a folder must be complete as well.
        string more = _root.Add("data/more.csv", "train/a.png,1\nval/gone.png,2\n");
        var part = Assert.Throws<FileFormatException>(() => LabelledImageFolder.Open(_root.PathOf("data/val"), more));
        Assert.Contains("val/gone.png (line 2)", part.Message, StringComparison.Ordinal);
        Assert.Contains("begin with 'val/'", part.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFiles_AreListedTogether_TenAtMost()
    {
        string labels = _root.Add("labels.csv", string.Concat(Enumerable.Range(0, 25).Select(static i => $"missing{i}.png,{i}\n")));
        var exception = Assert.Throws<FileFormatException>(() => LabelledImageFolder.Open(_root.FullPath, labels));
        Assert.Contains("25 of 25 listed files do not exist", exception.Message, StringComparison.Ordinal);
        Assert.Contains("missing9.png (line 10) and 15 more", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("missing10.png", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_LinksThatLeaveTheDirectory()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Creating links needs a privilege on Windows.");
        string outside = _root.Add("outside/secret.png");
        _root.Add("data/real.png");
        File.CreateSymbolicLink(_root.PathOf("data/link.png"), outside);
        Directory.CreateSymbolicLink(_root.PathOf("data/folder"), _root.PathOf("outside"));
        File.CreateSymbolicLink(_root.PathOf("data/inside.png"), "real.png");

        foreach (string file in new[] { "link.png", "folder/secret.png" })
        {
            string labels = _root.Add("labels.csv", file + ",1\n");
            var exception = Assert.Throws<FileFormatException>(() => LabelledImageFolder.Open(_root.PathOf("data"), labels));
            Assert.Contains("outside the images directory", exception.Message, StringComparison.Ordinal);
        }

        Assert.Throws<FileFormatException>(() => LabelledImageFolder.Open(_root.PathOf("data")));
        Assert.Single(LabelledImageFolder.Open(_root.PathOf("data"), _root.Add("labels.csv", "inside.png,1\n")).Images);

        // Linked folders are not entered when a directory is listed, and a linked images directory is followed.
        File.Delete(_root.PathOf("data/link.png"));
        Assert.Equal(["inside.png", "real.png"], LabelledImageFolder.Open(_root.PathOf("data")).Images.Select(static image => image.RelativePath), StringComparer.Ordinal);
        Directory.CreateSymbolicLink(_root.PathOf("alias"), _root.PathOf("data"));
        Assert.Equal(2, LabelledImageFolder.Open(_root.PathOf("alias")).Images.Count);
    }

    [Fact]
    public void LinkLoops_DoNotHang()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Creating links needs a privilege on Windows.");
        _root.Add("a.png");
        Directory.CreateSymbolicLink(_root.PathOf("loop"), _root.FullPath);
        File.CreateSymbolicLink(_root.PathOf("self"), "self");
        Assert.Single(LabelledImageFolder.Open(_root.FullPath).Images);
        Assert.Throws<FileFormatException>(() => LabelledImageFolder.Open(_root.FullPath, _root.Add("labels.csv", "a.png,1\nself,1\n")));
        File.CreateSymbolicLink(_root.PathOf("b.png"), "b.png");
        Assert.Throws<FileFormatException>(() => LabelledImageFolder.Open(_root.FullPath));
    }

    [Fact]
    public void Refuses_EmptyAndMissing()
    {
        var empty = Assert.Throws<FileFormatException>(() => LabelledImageFolder.Open(_root.FullPath));
        Assert.Contains("no *.png, *.jpg or *.jpeg", empty.Message, StringComparison.Ordinal);
        Assert.Throws<DirectoryNotFoundException>(() => LabelledImageFolder.Open(_root.PathOf("none")));
        Assert.Throws<FileNotFoundException>(() => LabelledImageFolder.Open(_root.FullPath, _root.PathOf("none.csv")));
        Assert.Throws<ArgumentException>(() => LabelledImageFolder.Open(""));
    }
}
