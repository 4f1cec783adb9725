namespace BinaryAttention.Models.Training.Configuration;

/// <summary>The pictures: where they are, which of them are trained on, chosen by and tested with, and how they are normalised.</summary>
public sealed record DataSection
{
    /// <summary><c>idx</c> (MNIST's files), <c>archive</c> (a zip of class/name.jpg) or <c>folder</c> (photographs, with or without a CSV of labels).</summary>
    public string Format { get; set; } = "idx";

    /// <summary>The pictures: an IDX file, a zip archive or a folder.</summary>
    public string Images { get; set; } = string.Empty;

    /// <summary>Their labels: an IDX file or a CSV; none for an archive, which names its classes, and for unlabelled photographs, which need a teacher.</summary>
    public string? Labels { get; set; }

    /// <summary>What is trained on; all pictures if left out. No picture may be in two splits.</summary>
    public DataSplit Train { get; set; } = new();

    /// <summary>What the best checkpoint is chosen by; the last one is taken if left out.</summary>
    public DataSplit? Select { get; set; }

    /// <summary>What is measured once, when training has ended, with the chosen checkpoint.</summary>
    public DataSplit? Test { get; set; }

    /// <summary>Mean of each channel in units of 0..1; that of MNIST for grey, that of ImageNet for colour if left out.</summary>
    public float[]? Mean { get; set; }

    /// <summary>Standard deviation of each channel, likewise.</summary>
    public float[]? Deviation { get; set; }

    /// <summary>Threads that prepare batches ahead; 0 prepares them when they are needed.</summary>
    public int Workers { get; set; } = 1;
}
