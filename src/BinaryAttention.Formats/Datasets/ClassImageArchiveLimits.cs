using BinaryAttention.Formats.Images;

namespace BinaryAttention.Formats.Datasets;

/// <summary>What an archive of pictures may ask for before it is refused.</summary>
public sealed record ClassImageArchiveLimits
{
    /// <summary>The limits used when none are given.</summary>
    public static ClassImageArchiveLimits Default { get; } = new();

    /// <summary>Largest number of members, 1,000,000 by default.</summary>
    public int MaxPictures { get; init; } = 1_000_000;

    /// <summary>Largest number of classes, 100,000 by default.</summary>
    public int MaxClasses { get; init; } = 100_000;

    /// <summary>Longest name of a member in UTF-16 code units, 1,024 by default.</summary>
    public int MaxNameLength { get; init; } = 1_024;

    /// <summary>What one picture may ask for; the limits of <see cref="ImageDecoder"/> by default.</summary>
    public ImageLimits Images { get; init; } = ImageLimits.Default;
}
