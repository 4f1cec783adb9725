namespace BinaryAttention.Formats.Checkpoints;

/// <summary>What a checkpoint file may ask for before it is refused. Checked before anything is allocated for it.</summary>
public sealed record CheckpointLimits
{
    /// <summary>The limits used when none are given.</summary>
    public static CheckpointLimits Default { get; } = new();

    /// <summary>Largest header in bytes, 100,000,000 by default (the bound the safetensors format itself sets).</summary>
    public int MaxHeaderBytes { get; init; } = 100_000_000;

    /// <summary>Largest number of tensors, 1,000,000 by default.</summary>
    public int MaxTensors { get; init; } = 1_000_000;

    /// <summary>Largest number of dimensions of a tensor, 16 by default.</summary>
    public int MaxRank { get; init; } = 16;

    /// <summary>Largest number of metadata entries, 100,000 by default.</summary>
    public int MaxMetadataEntries { get; init; } = 100_000;

    /// <summary>Longest tensor name or metadata key in UTF-16 code units, 4,096 by default.</summary>
    public int MaxNameLength { get; init; } = 4_096;

    /// <summary>Largest file in bytes among those read whole into memory (.npy), 1 GiB by default. Memory-mapped files are not bound by it.</summary>
    public int MaxBytesInMemory { get; init; } = 1 << 30;
}
