// How a backward call is cut into work items, from the shape alone, so that sums have the same order at any number of threads.
//
// A tile is up to 48 query rows (64 where masks come in blocks of 64) of one query head against all keys it may see. The tiles of one (batch, key head) group write the same key and value
// gradients: an item takes the group's tiles number segment, segment + segments, ... of every query head, in order, and adds them up in a buffer of its own; the buffers of a group's segments are
// added in order at the end. Many groups need no segments; few groups get several, for the sake of parallelism. A dense bias gradient is as large as the logits, so it has no buffers: items that
// would add to the same rows, because heads or batch items share the bias, run in successive rounds.
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Backward;

internal sealed class BackwardPartition
{
    /// <summary>Rows of the products' units.</summary>
    public const int UnitRows = 6;

    /// <summary>Keys that the products take at a time; what belongs to them stays in the second-level cache. A multiple of every panel and group.</summary>
    public const int ChunkKeys = 256;

    private const int MostSegments = 8;

    // Work items that keep a large machine busy.
    private const int EnoughItems = 32;

    private readonly AttentionShape _shape;
    private readonly bool _batchesTakeTurns;
    private readonly bool _headsTakeTurns;

    public BackwardPartition(AttentionSpecification specification, bool wantsBias)
    {
        _shape = specification.Shape;
        TileQueries = specification.Mask.HasGaps ? KeyMask.BlockTokens : 48;
        Tiles = (_shape.QueryLength + TileQueries - 1) / TileQueries;
        Groups = _shape.BatchSize * _shape.KeyHeadCount;
        Segments = Math.Clamp(Math.Min((EnoughItems + Groups - 1) / Groups, Tiles / 2), 1, MostSegments);
        PaddedKeys = KeyCodes.Blocks(_shape.KeyLength) * KeyCodes.BlockKeys;
        bool isDense = wantsBias && specification.Bias is { Kind: AttentionBiasKind.Dense };
        _batchesTakeTurns = isDense && specification.Bias!.BatchSize == 1 && _shape.BatchSize > 1;
        _headsTakeTurns = isDense && specification.Bias!.HeadCount == 1 && _shape.KeyHeadCount > 1;
    }

    public int TileQueries { get; }

    /// <summary>Rows of a tile, rounded up to whole units.</summary>
    public int TileRows => (TileQueries + UnitRows - 1) / UnitRows * UnitRows;

    /// <summary>Tiles of one query head.</summary>
    public int Tiles { get; }

    /// <summary>(batch, key head) pairs.</summary>
    public int Groups { get; }

    /// <summary>Items of one group.</summary>
    public int Segments { get; }

    public int PaddedKeys { get; }

    public int Items => checked(Groups * Segments);

    /// <summary>Rounds that run one after another.</summary>
    public int Rounds => (_batchesTakeTurns ? _shape.BatchSize : 1) * (_headsTakeTurns ? _shape.KeyHeadCount : 1);

    public int ItemsPerRound => Items / Rounds;

    /// <summary>The group and the segment of one item of a round.</summary>
    public (int Group, int Segment) Item(int round, int index)
    {
        int inRound = index / Segments;
        int turnsOfHeads = _headsTakeTurns ? _shape.KeyHeadCount : 1;
        int keyHeads = _shape.KeyHeadCount / turnsOfHeads;
        int batch = _batchesTakeTurns ? round / turnsOfHeads : inRound / keyHeads;
        int keyHead = _headsTakeTurns ? round % turnsOfHeads : inRound % keyHeads;
        return ((batch * _shape.KeyHeadCount) + keyHead, index % Segments);
    }
}
