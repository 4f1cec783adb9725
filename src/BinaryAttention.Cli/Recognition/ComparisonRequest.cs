namespace BinaryAttention.Cli.Recognition;

/// <summary>What is to be compared, as the options say.</summary>
internal sealed record ComparisonRequest
{
    public required SignWeighting Weighting { get; init; }

    public required ValueQuantization Quantization { get; init; }

    /// <summary>Layers to suggest; 0 leaves the search out.</summary>
    public required int ExactLayers { get; init; }

    /// <summary>Whether pictures of the maps are wanted.</summary>
    public required bool WithPictures { get; init; }

    /// <summary>Layer and head whose whole maps are wanted; the library's choice if null.</summary>
    public required (int Layer, int Head)? Map { get; init; }
}
