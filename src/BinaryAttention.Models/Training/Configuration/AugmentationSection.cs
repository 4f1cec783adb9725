namespace BinaryAttention.Models.Training.Configuration;

/// <summary>What is done to training pictures, in this order; everything is off by default.</summary>
public sealed record AugmentationSection
{
    /// <summary>Smallest and largest share of the area of a random window, resized to the network's size; <c>[0.08, 1]</c> for DeiT. Off if null.</summary>
    public double[]? ResizedCrop { get; set; }

    /// <summary>Smallest and largest ratio of width to height of that window.</summary>
    public double[] CropRatio { get; set; } = [0.75, 4.0 / 3];

    /// <summary>Largest turn to either side, degrees.</summary>
    public double Rotation { get; set; }

    /// <summary>Largest change of size; 0.1 draws factors of 0.9 to 1.1.</summary>
    public double Zoom { get; set; }

    /// <summary>Largest shear to either side, columns per row.</summary>
    public double Shear { get; set; }

    /// <summary>Pixels by which a picture may be moved along both axes.</summary>
    public int CropPadding { get; set; }

    /// <summary>Probability that left and right are exchanged.</summary>
    public double Flip { get; set; }

    /// <summary>Operations of RandAugment for each picture; DeiT's recipe has 2.</summary>
    public int RandAugment { get; set; }

    /// <summary>Their magnitude, 0 to 10.</summary>
    public double RandAugmentMagnitude { get; set; } = 9;

    /// <summary>Standard deviation of the magnitude.</summary>
    public double RandAugmentDeviation { get; set; } = 0.5;

    /// <summary>Largest change of brightness, contrast and saturation.</summary>
    public double ColourJitter { get; set; }

    /// <summary>Probability that a rectangle becomes noise.</summary>
    public double Erasing { get; set; }

    /// <summary>Parameter of mixup's beta distribution.</summary>
    public double Mixup { get; set; }

    /// <summary>Parameter of CutMix's beta distribution; with mixup as well each batch takes one of them.</summary>
    public double CutMix { get; set; }

    /// <summary>How often a picture comes within its epoch, differently augmented (repeated augmentation); an epoch keeps its length.</summary>
    public int Repeats { get; set; } = 1;
}
