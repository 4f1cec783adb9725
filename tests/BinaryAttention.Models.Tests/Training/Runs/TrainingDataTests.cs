using System.IO.Compression;
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Runs;
using BinaryAttention.Models.Vision;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Runs;

public sealed class TrainingDataTests
{
    private static readonly VisionTransformerConfiguration Sizes = new() { ImageHeight = 8, ImageWidth = 8, PatchSize = 4, ChannelCount = 3, Width = 16, Depth = 1, HeadCount = 2, ClassCount = 3 };

    [Fact]
    public void Archives_OfOneRunHaveTheSameClasses()
    {
        using var folder = new TemporaryFolder();
        string train = Archive(folder["train.zip"], "ant", "bee", "cat"), same = Archive(folder["same.zip"], "ant", "bee", "cat"), fewer = Archive(folder["fewer.zip"], "ant", "cat");
        Assert.Equal(["ant", "bee", "cat"], Open(train, same).Test!.Classes);
        string message = Assert.Throws<ArgumentException>(() => Open(train, fewer)).Message;
        Assert.Contains("data.test (", message, StringComparison.Ordinal);
        Assert.Contains("other classes than data.train", message, StringComparison.Ordinal);
        Assert.Contains("bee", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Photographs_AreMeasuredAsEvaluateReadsThem_AtTheModelsSizeToo()
    {
        using var folder = new TemporaryFolder();
        var picture = new RgbImage(8, 8, [.. Enumerable.Range(0, 192).Select(static i => (byte)(i * 37))]);
        File.WriteAllBytes(folder["a.png"], PngEncoder.Encode(picture));
        var data = new TrainingData(new DataSection { Format = "folder", Images = folder.Path }, new AugmentationSection(), Sizes);
        var values = new float[data.Pipeline.Length];
        data.Pipeline.Measure(data.Train.Image(0), values);
        Assert.Equal(ImagePreprocessing.ForImageSize(8).Apply(picture), values);
    }

    private static TrainingData Open(string train, string test) => new(new DataSection { Format = "archive", Images = train, Test = new DataSplit { Images = test } }, new AugmentationSection(), Sizes);

    private static string Archive(string path, params string[] classes)
    {
        using var stream = new FileStream(path, FileMode.CreateNew);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create);
        foreach (string name in classes)
        {
            using Stream member = archive.CreateEntry($"{name}/1.png").Open();
            member.Write(PngEncoder.Encode(new RgbImage(8, 8, new byte[192])));
        }

        return path;
    }
}
