// How a call is cut: tiles of a few query rows that share registers, groups of tiles that share a chunk of keys and values while it lies in the second-level cache, work items of several
// groups. Short key lengths need no groups. (Zen 5, one head of 16,384, d = dv = 64: values that come from the third-level cache for every tile cost 0.83 cycles a pair.)
namespace BinaryAttention.Kernels.Assembled;

/// <param name="Tile">Rows and channels computed together.</param>
/// <param name="Frame">Layout of a tile's frame.</param>
/// <param name="KeyLength">Keys.</param>
/// <param name="Panels">Panels of channels.</param>
/// <param name="ChunkKeys">Keys that a group passes over at a time, a multiple of 64.</param>
/// <param name="GroupTiles">Tiles in a group.</param>
/// <param name="HasMask">Whether tiles may need mask words.</param>
/// <param name="HasGaps">Whether blocks may be skipped.</param>
/// <param name="PlanePairs">Pairs of sign planes, each with distances of its own.</param>
/// <param name="ItemQueries">Queries in a work item.</param>
internal readonly record struct TilePlan(TileShape Tile, TileFrame Frame, int KeyLength, int Panels, int ChunkKeys, int GroupTiles, int ItemQueries, bool HasMask, bool HasGaps, int PlanePairs)
{
    // Values of a call this short stay in the second-level cache by themselves.
    /// <summary>Queries in a work item of a short call.</summary>
    public const int ShortItemQueries = 192;

    /// <summary>Bytes of one row of a block: distances, or fixed-point logits.</summary>
    public int RowBytes { get; init; } = TileFrame.Line;

    /// <summary>Bytes of a tile's frame.</summary>
    public int FrameBytes { get; init; } = Frame.Bytes;

    /// <summary>Whether tiles hold a bias per pair.</summary>
    public bool HasPairBias { get; init; }

    private const int UngroupedKeys = 4096;

    // Above, two groups' distances do not stay there either, and larger groups pay.
    private const int SmallGroupKeys = 12_288;
    private const int SmallGroupQueries = 24;
    private const int LargeGroupQueries = 48;
    private const int GroupedChunkKeys = 2048;
    private const int ItemQueriesAbout = 384;

    /// <summary>The plan of fixed-point log mode: no groups. Work items are those of the plan beside it.</summary>
    public static TilePlan ForLogits(TileShape tile, TileFrame frame, int frameBytes, int keyLength, int panels, int itemQueries, KeyMask mask, bool hasPairBias) =>
        new(tile, frame, keyLength, panels, AssembledLimits.SumKeys, 1, itemQueries, mask.IsCausal, HasGaps: false, PlanePairs: 1)
        {
            RowBytes = 2 * TileFrame.Line,
            FrameBytes = frameBytes,
            HasPairBias = hasPairBias,
        };

    public static TilePlan For(TileShape tile, TileFrame frame, int queryLength, int keyLength, int panels, KeyMask mask, int planePairs)
    {
        bool isGrouped = keyLength > UngroupedKeys;
        int groupQueries = keyLength > SmallGroupKeys ? LargeGroupQueries : SmallGroupQueries;
        int groupTiles = isGrouped ? groupQueries / tile.Rows : 1;
        int groupRows = groupTiles * tile.Rows;
        int about = isGrouped ? ItemQueriesAbout : EvenItems(queryLength);
        int itemQueries = (about + (isGrouped ? 0 : groupRows - 1)) / groupRows * groupRows;
        return new TilePlan(tile, frame, keyLength, panels, isGrouped ? GroupedChunkKeys : AssembledLimits.SumKeys, groupTiles, itemQueries, mask.IsCausal || mask.HasGaps, mask.HasGaps, planePairs);
    }

    // Items of about the same size: 197 queries are one item and not 192 queries and five.
    private static int EvenItems(int queryLength)
    {
        int items = Math.Max(1, (queryLength + (ShortItemQueries / 2)) / ShortItemQueries);
        return (queryLength + items - 1) / items;
    }
}
