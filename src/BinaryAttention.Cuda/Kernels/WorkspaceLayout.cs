// Where every packed operand lies in the caller's workspace, each aligned to 256 bytes.
namespace BinaryAttention.Cuda.Kernels;

internal sealed class WorkspaceLayout
{
    private const long Alignment = 256;
    private long _next;

    public WorkspaceLayout(CudaSpecification specification, TileLayout layout)
    {
        AttentionShape shape = specification.Shape;
        long heads = (long)shape.BatchSize * shape.HeadCount;
        long keyHeads = (long)shape.BatchSize * shape.KeyHeadCount;
        PaddedKeys = TileLayout.PaddedKeys(shape.KeyLength);
        ValueTiles = TileLayout.ValueTiles(shape.KeyLength);
        Tables = specification.IsLogMode ? 0 : specification.HasRowTables ? heads * shape.QueryLength : heads;
        QueryWords = Take(heads * shape.QueryLength * layout.TokenBytes);
        QuerySums = Take(heads * shape.QueryLength * sizeof(double));
        QueryWeights = Take(heads * sizeof(float));
        QueryFlags = Take(heads * sizeof(int));
        KeyWords = Take(keyHeads * PaddedKeys * layout.TokenBytes);
        KeySums = Take(keyHeads * shape.KeyLength * sizeof(double));
        KeyWeights = Take(keyHeads * sizeof(float));
        KeyFlags = Take(keyHeads * sizeof(int));
        Levels = Take(keyHeads * ValueTiles * layout.ValueTileBytes);
        Scales = Take(keyHeads * layout.PaddedChannels * sizeof(float));
        Means = Take(keyHeads * layout.PaddedChannels * sizeof(float));
        Multipliers = Take(keyHeads * layout.PaddedChannels * sizeof(double));
        TableEntries = Take(Tables * layout.TableEntries * sizeof(ushort));
        Slopes = Take(Tables * sizeof(double));
        RowFactors = Take(specification.IsLogMode ? heads * shape.QueryLength * sizeof(float) : 0);
        AttentionVariant variant = specification.Variant;
        BlocksPerHead = (shape.QueryLength + variant.RowsPerBlock - 1) / variant.RowsPerBlock;
        Sums = Take(variant.ChunkTiles != 0 ? heads * BlocksPerHead * WideSums.BlockBytes(variant) : 0);
        KeyTerms = Take(keyHeads * PaddedKeys * variant.KeyTermBytes);
        RelativeTables = Take(specification.Bias == CudaBiasKind.RelativePosition ? (long)specification.Grid.Entries * specification.Grid.Heads * sizeof(float) : 0);
        QueryBlocks = (shape.QueryLength + TileLayout.TileKeys - 1) / TileLayout.TileKeys;
        long lists = variant.HasTileList ? heads * QueryBlocks : 0;
        TileLists = Take(lists * ValueTiles * sizeof(int));
        TileCounts = Take(lists * sizeof(int));
    }

    public long PaddedKeys { get; }

    public long ValueTiles { get; }

    /// <summary>Numerator tables: one per head or one per query row; none in log mode.</summary>
    public long Tables { get; }

    public ulong QueryWords { get; }

    public ulong QuerySums { get; }

    public ulong QueryWeights { get; }

    public ulong QueryFlags { get; }

    public ulong KeyWords { get; }

    public ulong KeySums { get; }

    public ulong KeyWeights { get; }

    public ulong KeyFlags { get; }

    public ulong Levels { get; }

    public ulong Scales { get; }

    public ulong Means { get; }

    public ulong Multipliers { get; }

    public ulong TableEntries { get; }

    public ulong Slopes { get; }

    /// <summary>Blocks of the attention kernel along the queries.</summary>
    public int BlocksPerHead { get; }

    /// <summary>64-bit sums of long rows.</summary>
    public ulong Sums { get; }

    /// <summary>Log mode: row weight times logit scale per query.</summary>
    public ulong RowFactors { get; }

    /// <summary>Log mode: term per key.</summary>
    public ulong KeyTerms { get; }

    /// <summary>Relative-position tables [heads, entries].</summary>
    public ulong RelativeTables { get; }

    /// <summary>Blocks of 64 queries of a head.</summary>
    public int QueryBlocks { get; }

    /// <summary>Tiles that each block of 64 queries visits, where a mask lists them.</summary>
    public ulong TileLists { get; }

    /// <summary>Lengths of the lists.</summary>
    public ulong TileCounts { get; }

    /// <summary>Size of the workspace.</summary>
    public long Bytes => _next;

    private ulong Take(long bytes)
    {
        long offset = _next;
        _next = checked(offset + ((bytes + Alignment - 1) / Alignment * Alignment));
        return (ulong)offset;
    }
}
