namespace BinaryAttention.Formats.Images;

/// <summary>What a picture may cost before it is refused. Checked from the header, before anything is allocated.</summary>
public sealed record ImageLimits
{
    /// <summary>The limits used when none are given.</summary>
    public static ImageLimits Default { get; } = new();

    /// <summary>Largest number of encoded bytes read, 256 MiB by default.</summary>
    public long MaxFileBytes { get; init; } = 256L << 20;

    /// <summary>Largest width or height in pixels, 32,768 by default.</summary>
    public int MaxSide { get; init; } = 32_768;

    /// <summary>Largest number of pixels, 100 million by default (300 MB decoded).</summary>
    public long MaxPixels { get; init; } = 100_000_000;
}
