// What the attention kernel's text depends on; lengths, strides, heads and batch are parameters, so that one compiled kernel serves every shape of a model.
namespace BinaryAttention.Cuda.Kernels;

internal sealed record AttentionVariant
{
    public const int Warps = 4;

    /// <summary>Threads of a block.</summary>
    public const int Threads = 32 * Warps;

    public required TileLayout Layout { get; init; }

    public required CudaElement OutputType { get; init; }

    /// <summary>Whether every query row has a numerator table of its own.</summary>
    public required bool HasRowTables { get; init; }

    public required bool IsCausal { get; init; }

    public required bool HasKeyLengths { get; init; }

    public required bool WantsLogSumExp { get; init; }

    /// <summary>Log mode: logits instead of tables.</summary>
    public bool IsLogMode { get; init; }

    /// <summary>Log mode with a bias.</summary>
    public bool HasBias { get; init; }

    /// <summary>Whether every key has a term of its own (its weight), copied with the keys.</summary>
    public bool HasKeyTerms => IsLogMode;

    /// <summary>Tiles after which 32-bit sums go to 64-bit ones; 0 if they hold all keys.</summary>
    public int ChunkTiles { get; init; }

    /// <summary>Row tiles of 16 that one warp owns: 2 halves the shared loads per score, 1 suits few queries and keeps row tables below 48 KiB.</summary>
    public required int RowTiles { get; init; }

    /// <summary>Buffers of the copy pipeline.</summary>
    public int Stages { get; init; } = 3;

    public int RowsPerWarp => 16 * RowTiles;

    public int RowsPerBlock => Warps * RowsPerWarp;

    public int StageBytes => Math.Max(
        TileLayout.GroupKeys * (Layout.TokenBytes + (HasKeyTerms ? 4 : 0)),
        Layout.KeyTileBytes + Layout.ValueTileBytes + (HasKeyTerms ? TileLayout.TileKeys * 4 : 0));

    /// <summary>Bytes of a row's table in shared memory: an odd number of 32-bit words, so that eight rows start in different banks.</summary>
    public int RowTableBytes => (Layout.TableEntries * 2) + 4;

    /// <summary>Where "masked" is looked up, behind the tables.</summary>
    public int ZeroEntryOffset => HasRowTables ? RowsPerBlock * RowTableBytes : (Layout.HeadDimension + 1) * 128;

    public int TableBytes => IsLogMode ? 0 : HasRowTables ? ZeroEntryOffset + 16 : ZeroEntryOffset + 128;

    /// <summary>Shared memory of a block: the copy pipeline, then the tables.</summary>
    public int SharedBytes => (Stages * StageBytes) + TableBytes;

    public string Name => KernelNames.Of(
        "attention",
        $"d{Layout.HeadDimension}",
        $"v{Layout.ValueDimension}",
        KernelNames.Of(OutputType),
        IsLogMode ? "log" : string.Empty,
        HasBias ? "bias" : string.Empty,
        HasRowTables ? "rows" : string.Empty,
        IsCausal ? "causal" : string.Empty,
        HasKeyLengths ? "lengths" : string.Empty,
        WantsLogSumExp ? "lse" : string.Empty,
        ChunkTiles != 0 ? $"chunks{ChunkTiles}" : string.Empty,
        $"m{RowsPerBlock}",
        $"s{Stages}");
}
