// The tiles of 64 keys that a block visits, ascending: all below its limit, or those that a mask's list names (TileListKernel).
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class TileList
{
    private readonly PtxEmitter _ptx;
    private readonly PtxRegister _tiles;

    /// <summary>Declares the parameters of a listing variant: the lists, their lengths, blocks of one head, entries of one list.</summary>
    public TileList(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block)
    {
        _ptx = ptx;
        IsListed = variant.HasTileList;
        if (!IsListed)
        {
            Count = ptx.Op("shr.u32", ptx.Op("add.s32", block.BlockLimit, TileLayout.TileKeys - 1), int.Log2(TileLayout.TileKeys));
            Groups = variant.GroupKeys == TileLayout.TileKeys ? Count : ptx.Op("shr.u32", ptx.Op("add.s32", block.BlockLimit, variant.GroupKeys - 1), int.Log2(variant.GroupKeys));
            return;
        }

        PtxRegister lists = ptx.GlobalPointer();
        PtxRegister counts = ptx.GlobalPointer();
        PtxRegister index = ptx.Op("mad.lo.s32", block.HeadIndex, ptx.Parameter("u32"), ptx.Special("%ctaid.x"));
        PtxRegister entries = ptx.Op("mul.wide.u32", index, ptx.Parameter("u32"));
        _tiles = ptx.Op("add.s64", lists, ptx.Op("shl.b64", entries, 2));
        Count = ptx.Load("global.nc", "b32", ptx.Op("add.s64", counts, ptx.Op("mul.wide.u32", index, 4)));
        Groups = Count;
    }

    public bool IsListed { get; }

    /// <summary>Tiles.</summary>
    public PtxRegister Count { get; }

    /// <summary>Steps of the maximum pass: groups of the variant's group size.</summary>
    public PtxRegister Groups { get; }

    /// <summary>The tile of a step.</summary>
    /// <param name="step">Below <see cref="Count"/> where the predicate holds.</param>
    /// <param name="predicate">Lanes that need it; null for all.</param>
    public PtxRegister Tile(PtxRegister step, PtxRegister? predicate = null)
    {
        if (!IsListed)
        {
            return step;
        }

        PtxRegister address = _ptx.Op("add.s64", _tiles, _ptx.Op("mul.wide.u32", step, 4));
        if (predicate is not { } isNeeded)
        {
            return _ptx.Load("global.nc", "b32", address);
        }

        PtxRegister tile = _ptx.Op("mov.b32", 0);
        _ptx.When(isNeeded, () => _ptx.LoadInto([tile], "global.nc", "b32", address));
        return tile;
    }
}
