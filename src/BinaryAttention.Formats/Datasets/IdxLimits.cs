namespace BinaryAttention.Formats.Datasets;

/// <summary>What an IDX file may ask for before it is refused. Checked before anything is allocated for it.</summary>
public sealed record IdxLimits
{
    /// <summary>The limits used when none are given.</summary>
    public static IdxLimits Default { get; } = new();

    /// <summary>Largest file in bytes, packed or not, 256 MiB by default.</summary>
    public long MaxFileBytes { get; init; } = 256L << 20;

    /// <summary>Largest number of values of the array, 256 Mi by default.</summary>
    public int MaxValues { get; init; } = 256 << 20;

    /// <summary>Largest number of dimensions, 4 by default.</summary>
    public int MaxRank { get; init; } = 4;
}
