// Decoded pictures held in memory: digits from IDX files, small pictures from an archive. A set of 60,000 digits takes 47 MB, CIFAR-10 150 MB.
using BinaryAttention.Formats.Datasets;

namespace BinaryAttention.Models.Training.Data;

internal sealed class MemoryImageSet(string name, ByteImage[] images, int[]? labels, IReadOnlyList<string>? classes = null) : ImageSet
{
    public override int Count => images.Length;

    public override bool HasLabels => labels is not null;

    public override string Name => name;

    public override IReadOnlyList<string> Classes => classes ?? [];

    public static MemoryImageSet FromIdx(string imagesPath, string labelsPath)
    {
        var digits = LabelledIdxImages.Open(imagesPath, labelsPath);
        return new MemoryImageSet(
            imagesPath,
            [.. Enumerable.Range(0, digits.Count).Select(i => new ByteImage(digits.Width, digits.Height, 1, digits.Pixels(i).ToArray()))],
            [.. Enumerable.Range(0, digits.Count).Select(digits.Label)]);
    }

    public static MemoryImageSet FromArchive(string path)
    {
        using var archive = ClassImageArchive.Open(path);
        return new MemoryImageSet(
            path,
            [.. Enumerable.Range(0, archive.Count).Select(i => ByteImage.FromRgb(archive.Read(i)))],
            [.. Enumerable.Range(0, archive.Count).Select(archive.Label)],
            archive.Classes);
    }

    public override ByteImage Image(int index) => images[index];

    public override int Label(int index) => labels is null ? -1 : labels[index];
}
