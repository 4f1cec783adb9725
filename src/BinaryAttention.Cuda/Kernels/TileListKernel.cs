// Which tiles of 64 keys a block of 64 query rows must visit under a boolean or block-sparse mask: those below the block's limit in which its block is allowed and some row has an allowed
// pair. One warp a list: lane l looks at rows 2 l and 2 l + 1.
//   grid (query blocks, heads, batch), 32 threads.  Writes lists [batch, heads, query blocks, tiles], ascending, and their lengths [batch, heads, query blocks].
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class TileListKernel
{
    private const int Lanes = 32;
    private const int BlockRows = 64;

    public static PtxModule Emit(bool isCausal, bool hasQueryLengths, bool hasKeyLengths, bool hasPairs, bool hasBlocks)
    {
        string name = KernelNames.Of("tile_list", isCausal ? "causal" : string.Empty, hasKeyLengths ? "lengths" : string.Empty, hasQueryLengths ? "queries" : string.Empty, hasPairs ? "pairs" : string.Empty, hasBlocks ? "blocks" : string.Empty);
        var ptx = new PtxEmitter(name);
        var queries = new KeyCount(ptx, hasQueryLengths);
        var keys = new KeyCount(ptx, hasKeyLengths);
        PtxRegister heads = ptx.Parameter("u32");
        PtxRegister queryBlocks = ptx.Parameter("u32");
        PtxRegister tiles = ptx.Parameter("u32");
        PtxRegister listsOut = ptx.GlobalPointer();
        PtxRegister countsOut = ptx.GlobalPointer();
        PtxRegister pairs = hasPairs ? ptx.GlobalPointer() : default;
        PtxRegister pairsOfHead = hasPairs ? ptx.Parameter("u64") : default;
        PtxRegister blocks = hasBlocks ? ptx.GlobalPointer() : default;
        PtxRegister blocksOfHead = hasBlocks ? ptx.Parameter("u64") : default;

        PtxRegister lane = ptx.Special("%tid.x");
        PtxRegister block = ptx.Special("%ctaid.x");
        PtxRegister head = ptx.Special("%ctaid.y");
        PtxRegister batch = ptx.Special("%ctaid.z");
        PtxRegister wideHead = ptx.Op("cvt.u64.u32", head);
        PtxRegister firstRow = ptx.Op("mul.lo.s32", block, BlockRows);
        PtxRegister limit = keys.Valid(batch);
        if (isCausal)
        {
            // The last row sees most: keys below row + 1 + keyLength - queryLength.
            PtxRegister last = ptx.Op("min.s32", ptx.Op("add.s32", firstRow, BlockRows), queries.Keys);
            PtxRegister seen = ptx.Op("add.s32", last, ptx.Op("sub.s32", keys.Keys, queries.Keys));
            limit = ptx.Op("min.s32", limit, ptx.Op("max.s32", seen, 0));
        }

        if (hasQueryLengths)
        {
            limit = ptx.Op("selp.b32", limit, 0, ptx.Op("setp.lt.s32", firstRow, queries.Valid(batch)));
        }

        PtxRegister end = ptx.Op("shr.u32", ptx.Op("add.s32", limit, TileLayout.TileKeys - 1), int.Log2(TileLayout.TileKeys));
        PtxRegister index = ptx.Op("mad.lo.s32", ptx.Op("mad.lo.s32", batch, heads, head), queryBlocks, block);
        PtxRegister list = ptx.Op("add.s64", listsOut, ptx.Op("shl.b64", ptx.Op("mul.wide.u32", index, tiles), 2));
        PtxRegister isFirst = ptx.Op("setp.eq.s32", lane, 0);
        PtxRegister row = ptx.Op("mad.lo.s32", lane, 2, firstRow);
        PtxRegister lastRow = ptx.Op("sub.s32", queries.Keys, 1);
        PtxRegister[] words = hasPairs
            ? Enumerable.Range(0, 2).Select(i => ptx.Op("min.s32", ptx.Op("add.s32", row, i), lastRow)).Select(
                own => ptx.Op("add.s64", ptx.Op("add.s64", pairs, ptx.Op("shl.b64", ptx.Op("mul.lo.s64", wideHead, pairsOfHead), 3)), ptx.Op("shl.b64", ptx.Op("mul.wide.u32", own, tiles), 3))).ToArray()
            : [];
        PtxRegister flags = hasBlocks
            ? ptx.Op("add.s64", ptx.Op("add.s64", blocks, ptx.Op("mul.lo.s64", wideHead, blocksOfHead)), ptx.Op("mul.wide.u32", block, tiles))
            : default;
        if (!hasPairs)
        {
            ptx.Discard(row, lastRow);
        }

        PtxRegister tile = ptx.Op("mov.b32", 0);
        PtxRegister count = ptx.Op("mov.b32", 0);
        PtxLabel loop = ptx.Label("tiles");
        PtxLabel done = ptx.Label("done");
        ptx.Place(loop);
        ptx.Branch(done, ptx.Op("setp.ge.s32", tile, end));
        PtxRegister isSeen = ptx.Op("setp.ge.s32", tile, 0);
        if (hasPairs)
        {
            PtxRegister any = words.Select(word =>
            {
                PtxRegister[] halves = ptx.New(PtxClass.B32, 2);
                ptx.LoadInto(halves, "global.nc", "b32", ptx.Op("add.s64", word, ptx.Op("mul.wide.u32", tile, 8)));
                return ptx.Op("or.b32", halves[0], halves[1]);
            }).Aggregate((a, b) => ptx.Op("or.b32", a, b));
            isSeen = ptx.Op("and.pred", isSeen, ptx.Op("setp.ne.s32", ptx.Ballot(ptx.Op("setp.ne.s32", any, 0)), 0));
        }

        if (hasBlocks)
        {
            PtxRegister flag = ptx.Load("global.nc", "u8", ptx.Op("add.s64", flags, ptx.Op("cvt.u64.u32", tile)));
            isSeen = ptx.Op("and.pred", isSeen, ptx.Op("setp.ne.s32", flag, 0));
        }

        PtxRegister address = ptx.Op("add.s64", list, ptx.Op("mul.wide.u32", count, 4));
        ptx.When(ptx.Op("and.pred", isFirst, isSeen), () => ptx.Store("global", "b32", address, 0, tile));
        ptx.Into(count, "add.s32", count, ptx.Op("selp.b32", 1, 0, isSeen));
        ptx.Into(tile, "add.s32", tile, 1);
        ptx.Branch(loop);
        ptx.Place(done);
        PtxRegister countAddress = ptx.Op("add.s64", countsOut, ptx.Op("mul.wide.u32", index, 4));
        ptx.When(isFirst, () => ptx.Store("global", "b32", countAddress, 0, count));
        ptx.Return();
        return new PtxModule(ptx.ToText(Lanes), name, Lanes, 0, 0);
    }
}
