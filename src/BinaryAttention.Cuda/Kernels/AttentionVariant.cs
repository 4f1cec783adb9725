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

    public bool HasQueryLengths { get; init; }

    /// <summary>Whether the block walks a list of tiles: boolean or block-sparse masks.</summary>
    public bool HasTileList { get; init; }

    /// <summary>Whether a bit a pair masks: boolean masks.</summary>
    public bool HasPairs { get; init; }

    public required bool WantsLogSumExp { get; init; }

    /// <summary>Log mode: logits instead of tables.</summary>
    public bool IsLogMode { get; init; }

    /// <summary>Log mode with a bias.</summary>
    public CudaBiasKind Bias { get; init; }

    /// <summary>Whether token 0 stands outside the grid of a relative-position bias.</summary>
    public bool HasClassToken { get; init; }

    /// <summary>Whether logits have a bias.</summary>
    public bool HasBias => Bias != CudaBiasKind.None;

    /// <summary>Whether every key has a term of its own (its weight), copied with the keys.</summary>
    public bool HasKeyTerms => IsLogMode;

    /// <summary>Whether a row may have no allowed key: only masks and biases of -infinity can do that.</summary>
    public bool MayHaveEmptyRows => IsCausal || HasKeyLengths || HasQueryLengths || HasTileList || IsLogMode;

    /// <summary>Bytes of a key's term: its weight, and with a relative-position bias its part of the table's index.</summary>
    public int KeyTermBytes => !IsLogMode ? 0 : Bias == CudaBiasKind.RelativePosition ? 8 : 4;

    /// <summary>Tiles after which 32-bit sums go to 64-bit ones; 0 if they hold all keys.</summary>
    public int ChunkTiles { get; init; }

    /// <summary>Row tiles of 16 that one warp owns: 2 halves the shared loads per score, 1 suits few queries and keeps row tables below 48 KiB.</summary>
    public required int RowTiles { get; init; }

    /// <summary>How signs are multiplied.</summary>
    public SignProductForm Form => Layout.Form;

    /// <summary>What one agreement adds to a score: sums of signed bytes start at the head dimension, so that a score is twice the agreements.</summary>
    public int ScoreUnit => Form == SignProductForm.SignedBytes ? 2 : 1;

    /// <summary>Whether copies to shared memory are asynchronous; else they go through registers.</summary>
    public bool CopiesAsynchronously => Form != SignProductForm.XorPopcount;

    /// <summary>Buffers of the copy pipeline: two where shared memory is scarce or copies go through registers.</summary>
    public int Stages => Form == SignProductForm.AndPopcount ? 3 : 2;

    /// <summary>Keys of one step of the maximum pass: one tile where the tiles come from a list or where keys are long.</summary>
    public int GroupKeys => HasTileList || Form == SignProductForm.SignedBytes ? TileLayout.TileKeys : TileLayout.GroupKeys;

    public int RowsPerWarp => 16 * RowTiles;

    public int RowsPerBlock => Warps * RowsPerWarp;

    public int StageBytes => Math.Max(
        GroupKeys * (Layout.TokenBytes + KeyTermBytes),
        Layout.KeyTileBytes + Layout.ValueTileBytes + (TileLayout.TileKeys * KeyTermBytes));

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
        KernelNames.Of(Form),
        IsLogMode ? "log" : string.Empty,
        Bias switch { CudaBiasKind.None => string.Empty, CudaBiasKind.RelativePosition => HasClassToken ? "relative_class" : "relative", _ => "bias" },
        HasRowTables ? "rows" : string.Empty,
        IsCausal ? "causal" : string.Empty,
        HasKeyLengths ? "lengths" : string.Empty,
        HasQueryLengths ? "queries" : string.Empty,
        HasPairs ? "pairs" : HasTileList ? "blocks" : string.Empty,
        WantsLogSumExp ? "lse" : string.Empty,
        ChunkTiles != 0 ? $"chunks{ChunkTiles}" : string.Empty,
        $"m{RowsPerBlock}",
        $"s{Stages}");
}
