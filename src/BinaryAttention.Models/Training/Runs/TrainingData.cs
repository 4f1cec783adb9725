// The splits of a run, opened and checked against the network.
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Training.Data.Augmentation;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Runs;

internal sealed class TrainingData
{
    private static readonly float[] MnistMean = [0.1307f], MnistDeviation = [0.3081f];
    private static readonly float[] ImageNetMean = [0.485f, 0.456f, 0.406f], ImageNetDeviation = [0.229f, 0.224f, 0.225f];

    private readonly Dictionary<(string Images, string? Labels), ImageSet> _opened = [];
    private readonly SplitOverlap _overlap = new();
    private readonly DataSection _data;

    public TrainingData(DataSection data, AugmentationSection augmentation, VisionTransformerConfiguration model)
    {
        _data = data;
        if (model.ImageHeight != model.ImageWidth)
        {
            throw new ArgumentException($"The model takes {model.ImageHeight} x {model.ImageWidth} pixels; square pictures are trained on.", nameof(model));
        }

        Train = Open("train", data.Train, model, mayLackLabels: true);
        Select = data.Select is null ? null : Open("select", data.Select, model, mayLackLabels: !Train.HasLabels);
        Test = data.Test is null ? null : Open("test", data.Test, model, mayLackLabels: false);
        bool isGrey = model.ChannelCount == 1;
        Augmentation = Options(augmentation);
        Pipeline = new ImagePipeline(
            model.ImageHeight,
            model.ChannelCount,
            Levels("data.mean", data.Mean ?? (isGrey ? MnistMean : ImageNetMean), model.ChannelCount),
            Levels("data.deviation", data.Deviation ?? (isGrey ? MnistDeviation : ImageNetDeviation), model.ChannelCount),
            Augmentation,
            takesSizeAsItIs: data.Format != "folder");
        foreach ((string name, ImageSet? set) in ((string, ImageSet?)[])[("train", Train), ("select", Select), ("test", Test)])
        {
            if (set is not null)
            {
                Check(name, set);
            }
        }
    }

    public ImageSet Train { get; }

    public ImageSet? Select { get; }

    public ImageSet? Test { get; }

    public AugmentationOptions Augmentation { get; }

    public ImagePipeline Pipeline { get; }

    private static float[] Levels(string name, float[] levels, int channels) => levels.Length == channels
        ? levels
        : throw new ArgumentException($"{name} has {levels.Length} numbers; one for each of the model's {channels} channels is expected.");

    private static AugmentationOptions Options(AugmentationSection section) => new()
    {
        ResizedCrop = section.ResizedCrop is not null,
        SmallestShare = section.ResizedCrop?[0] ?? 1,
        LargestShare = section.ResizedCrop?[1] ?? 1,
        SmallestRatio = section.CropRatio[0],
        LargestRatio = section.CropRatio[1],
        CropPadding = section.CropPadding,
        Rotation = section.Rotation,
        Zoom = section.Zoom,
        Shear = section.Shear,
        Flip = section.Flip,
        ColourJitter = section.ColourJitter,
        RandAugmentOperations = section.RandAugment,
        RandAugmentMagnitude = section.RandAugmentMagnitude,
        RandAugmentDeviation = section.RandAugmentDeviation,
        Erasing = section.Erasing,
        Mixup = section.Mixup,
        CutMix = section.CutMix,
        Repeats = section.Repeats,
    };

    // One picture stands for its split, before hours are spent on another: IDX files have one size, photographs are brought to one.
    private void Check(string name, ImageSet set)
    {
        if (!set.Classes.SequenceEqual(Train.Classes, StringComparer.Ordinal))
        {
            string[] differing = [.. set.Classes.Except(Train.Classes, StringComparer.Ordinal).Concat(Train.Classes.Except(set.Classes, StringComparer.Ordinal)).Take(3)];
            throw new ArgumentException($"data.{name} ({set.Name}) has other classes than data.train ({Train.Name}): {string.Join(", ", differing)}{(differing.Length == 3 ? ", ..." : string.Empty)} are in one of them only, so that the same index would mean different classes. Use archives with the same folders.");
        }

        try
        {
            Pipeline.Measure(set.Image(0), new float[Pipeline.Length]);
        }
        catch (ArgumentException problem)
        {
            throw new ArgumentException($"data.{name} ({set.Name}): {problem.Message}", problem);
        }
    }

    private ImageSet Open(string name, DataSplit split, VisionTransformerConfiguration model, bool mayLackLabels)
    {
        (string Images, string? Labels) files = split.Images is null ? (_data.Images, _data.Labels) : (split.Images, split.Labels);
        ImageSet all = All(files);
        if (split.First >= all.Count || (long)split.First + split.Count > all.Count)
        {
            throw new ArgumentException($"data.{name} takes {(split.Count == 0 ? "all" : split.Count)} pictures from {split.First} on, but {all.Name} has {all.Count}.");
        }

        ImageSet set = all.Slice(split.First, split.Count == 0 ? all.Count - split.First : split.Count);
        _overlap.Take(name, Path.GetFullPath(files.Images), split.First, set.Count);
        if (!set.HasLabels && !mayLackLabels)
        {
            throw new ArgumentException($"data.{name} has no labels, without which nothing can be measured. Give data.{name}.labels.");
        }

        int largest = set.LargestLabel();
        return largest < model.ClassCount ? set : throw new ArgumentException($"data.{name} holds class {largest}; the model has classes 0 to {model.ClassCount - 1}. Check model.classes and the labels.");
    }

    private ImageSet All((string Images, string? Labels) files)
    {
        if (!_opened.TryGetValue(files, out ImageSet? set))
        {
            set = _data.Format switch
            {
                "idx" => MemoryImageSet.FromIdx(files.Images, files.Labels ?? throw new ArgumentException($"Labels of {files.Images} are missing; their IDX file is expected.")),
                "archive" => MemoryImageSet.FromArchive(files.Images),
                _ => new FolderImageSet(files.Images, files.Labels),
            };
            _opened.Add(files, set);
        }

        return set;
    }
}
