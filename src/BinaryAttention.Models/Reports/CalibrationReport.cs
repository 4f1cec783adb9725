using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Models.Reports;

/// <summary>What a page about a calibration shows. Every text is shown as text, whatever it holds.</summary>
public sealed record CalibrationReport
{
    /// <summary>The model's file name.</summary>
    public required string ModelName { get; init; }

    /// <summary>The command that made the page.</summary>
    public required string CommandLine { get; init; }

    /// <summary>Name and version of the program.</summary>
    public required string Tool { get; init; }

    /// <summary>The codes.</summary>
    public required ModelCodes Codes { get; init; }

    /// <summary>What was measured on which images, in words.</summary>
    public required string Measured { get; init; }

    /// <summary>Rows of the first table: the attention, then agreement and divergence as text.</summary>
    public required IReadOnlyList<(string Attention, string Agreement, string Divergence, string Top1)> Outcomes { get; init; }

    /// <summary>The most memory that the program held, in bytes; 0 if it is not known.</summary>
    public long PeakMemoryBytes { get; init; }

    /// <summary>Photographs with their maps; may be empty.</summary>
    public IReadOnlyList<CalibrationPicture> Pictures { get; init; } = [];
}
