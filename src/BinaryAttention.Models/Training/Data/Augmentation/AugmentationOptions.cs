// What is done to a training picture before the network sees it; everything is off by default.
namespace BinaryAttention.Models.Training.Data.Augmentation;

internal sealed record AugmentationOptions
{
    /// <summary>Whether windows of random area and ratio are cut and resized; otherwise the picture is taken as for validation.</summary>
    public bool ResizedCrop { get; init; }

    public double SmallestShare { get; init; } = 0.08;

    public double LargestShare { get; init; } = 1;

    public double SmallestRatio { get; init; } = 3.0 / 4;

    public double LargestRatio { get; init; } = 4.0 / 3;

    /// <summary>Pixels by which a picture may be moved along both axes.</summary>
    public int CropPadding { get; init; }

    /// <summary>Largest turn to either side in degrees.</summary>
    public double Rotation { get; init; }

    /// <summary>Largest change of size: 0.1 draws factors of 0.9 to 1.1.</summary>
    public double Zoom { get; init; }

    /// <summary>Largest shear along the rows to either side.</summary>
    public double Shear { get; init; }

    /// <summary>Probability that left and right are exchanged.</summary>
    public double Flip { get; init; }

    /// <summary>Largest change of brightness, contrast and saturation.</summary>
    public double ColourJitter { get; init; }

    /// <summary>Operations of RandAugment for each picture.</summary>
    public int RandAugmentOperations { get; init; }

    public double RandAugmentMagnitude { get; init; } = 9;

    public double RandAugmentDeviation { get; init; } = 0.5;

    /// <summary>Probability that a rectangle becomes noise.</summary>
    public double Erasing { get; init; }

    /// <summary>Parameter of mixup's beta distribution; 0 is off.</summary>
    public double Mixup { get; init; }

    /// <summary>Parameter of CutMix's beta distribution; 0 is off.</summary>
    public double CutMix { get; init; }

    /// <summary>How often a picture comes, differently augmented, within its epoch (Hoffer et al. 2020); an epoch keeps its length.</summary>
    public int Repeats { get; init; } = 1;
}
