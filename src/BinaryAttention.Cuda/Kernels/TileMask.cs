// Which pairs of a tile of 64 keys are allowed, and a body for tiles that a warp sees whole: only the others pay for tests.
//   lengths and the causal rule: key < the row's limit
//   boolean masks: the row's 64-bit word of the tile, bits at and beyond the limit cleared, shifted by the lane's 4 t: key 4 t + KeyOffset is bit KeyOffset mod 32 of half KeyOffset / 32
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class TileMask
{
    private readonly PtxEmitter _ptx;
    private readonly AttentionVariant _variant;
    private readonly AttentionBlock _block;
    private readonly PtxRegister[] _pairs = [];

    /// <summary>Declares the parameters of a boolean mask: its words, words from head to head (0 if shared), words of a row.</summary>
    public TileMask(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block)
    {
        (_ptx, _variant, _block) = (ptx, variant, block);
        if (variant.HasPairs)
        {
            PtxRegister words = ptx.GlobalPointer();
            PtxRegister head = ptx.Op("mul.lo.s64", ptx.Op("cvt.u64.u32", block.Head), ptx.Parameter("u64"));
            PtxRegister rowWords = ptx.Parameter("u32");
            PtxRegister start = ptx.Op("add.s64", words, ptx.Op("shl.b64", head, 3));
            _pairs = block.Rows.Select(row => ptx.Op("add.s64", start, ptx.Op("shl.b64", ptx.Op("mul.wide.u32", ptx.Op("min.s32", row, block.LastRow), rowWords), 3))).ToArray();
        }
    }

    /// <summary>Emits the body twice: with a test, and with null for tiles that the whole warp sees.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="body">Receives the lane's first key (none for a whole tile without a bias) and the test.</param>
    public void Emit(PtxRegister tile, Action<PtxRegister, PairTest?> body)
    {
        PtxRegister firstKey = _ptx.Op("shl.b32", tile, int.Log2(TileLayout.TileKeys));
        PtxLabel masked = _ptx.Label("masked_tile");
        PtxLabel done = _ptx.Label("tile_done");
        PtxRegister[][] words = _variant.HasPairs ? Words(tile, firstKey) : [];
        PtxRegister isWhole = _variant.HasPairs ? AreAllSet(words) : _ptx.Op("setp.le.s32", _ptx.Op("add.s32", firstKey, TileLayout.TileKeys), _block.FullLimit);
        _ptx.Branch(masked, isWhole, isNegated: true);
        body(_variant.HasBias ? LaneKey(firstKey) : default, null);
        _ptx.Branch(done);
        _ptx.Place(masked);
        PtxRegister laneKey = _variant.HasBias || !_variant.HasPairs ? LaneKey(firstKey) : default;
        body(laneKey, _variant.HasPairs ? BitTest(words) : LimitTest(_block.Limits.Select(limit => _ptx.Op("sub.s32", limit, laneKey)).ToArray()));
        _ptx.Place(done);
    }

    /// <summary>The test of keys against limits that the lane's first key was taken from.</summary>
    public PairTest LimitTest(PtxRegister[] limits) => (row, tile, element) => _ptx.Op("setp.gt.s32", limits[row], TileLayout.KeyOffset(tile, element));

    private PtxRegister LaneKey(PtxRegister firstKey) => _ptx.Op("mad.lo.s32", _block.InGroup, 4, firstKey);

    // [row][half].
    private PtxRegister[][] Words(PtxRegister tile, PtxRegister firstKey)
    {
        PtxRegister bytes = _ptx.Op("mul.wide.u32", tile, 8);
        return _pairs.Select((row, i) =>
        {
            PtxRegister[] halves = _ptx.New(PtxClass.B32, 2);
            _ptx.LoadInto(halves, "global.nc", "b32", _ptx.Op("add.s64", row, bytes));
            PtxRegister left = _ptx.Op("max.s32", _ptx.Op("sub.s32", _block.Limits[i], firstKey), 0);
            PtxRegister upper = _ptx.Op("max.s32", _ptx.Op("sub.s32", left, 32), 0);

            // A shift by 32 or more gives 0.
            halves[0] = _ptx.Op("and.b32", halves[0], _ptx.Op("not.b32", _ptx.Op("shl.b32", -1, left)));
            halves[1] = _ptx.Op("and.b32", halves[1], _ptx.Op("not.b32", _ptx.Op("shl.b32", -1, upper)));
            return halves;
        }).ToArray();
    }

    private PtxRegister AreAllSet(PtxRegister[][] words)
    {
        PtxRegister all = words.SelectMany(static halves => halves).Aggregate((a, b) => _ptx.Op("and.b32", a, b));
        return _ptx.Op("setp.eq.s32", _ptx.Ballot(_ptx.Op("setp.eq.s32", all, -1)), -1);
    }

    private PairTest BitTest(PtxRegister[][] words)
    {
        PtxRegister shift = _ptx.Op("shl.b32", _block.InGroup, 2);
        PtxRegister[][] shifted = words.Select(halves => halves.Select(half => _ptx.Op("shr.u32", half, shift)).ToArray()).ToArray();
        return (row, tile, element) =>
        {
            int key = TileLayout.KeyOffset(tile, element);
            return _ptx.Op("setp.ne.s32", _ptx.Op("and.b32", shifted[row][key / 32], 1 << (key % 32)), 0);
        };
    }
}
