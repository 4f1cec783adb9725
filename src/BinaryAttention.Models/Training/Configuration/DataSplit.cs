namespace BinaryAttention.Models.Training.Configuration;

/// <summary>A stretch of the pictures, or of other files in the same format.</summary>
public sealed record DataSplit
{
    /// <summary>Other pictures than those of the section; null for the same.</summary>
    public string? Images { get; set; }

    /// <summary>Their labels.</summary>
    public string? Labels { get; set; }

    /// <summary>The first picture, from 0.</summary>
    public int First { get; set; }

    /// <summary>How many; 0 takes all that follow.</summary>
    public int Count { get; set; }
}
