using BinaryAttention.Models.Metrics;

namespace BinaryAttention.Models.Reports;

/// <summary>What a comparison of exact and one-bit attention found, as <see cref="FidelityPage"/> shows it.</summary>
public sealed record FidelityReport
{
    /// <summary>The model's file name.</summary>
    public required string ModelName { get; init; }

    /// <summary>The call that made the report, as the user typed it.</summary>
    public required string CommandLine { get; init; }

    /// <summary>The version of the program.</summary>
    public required string ToolVersion { get; init; }

    /// <summary>The one-bit attention in words: weighting and quantisation.</summary>
    public required string BinaryAttention { get; init; }

    /// <summary>Something the reader must know before the figures; nothing if empty.</summary>
    public string Remark { get; init; } = string.Empty;

    /// <summary>The pictures that were measured, in words.</summary>
    public required string Pictures { get; init; }

    /// <summary>Figures by layer and head, means over the images.</summary>
    public required IReadOnlyList<IReadOnlyList<HeadFidelity>> Layers { get; init; }

    /// <summary>The answers of the model when layers are exact or one-bit.</summary>
    public required SensitivityReport Sensitivity { get; init; }

    /// <summary>Photographs with the maps on them.</summary>
    public IReadOnlyList<FidelityPicture> Photographs { get; init; } = [];
}
