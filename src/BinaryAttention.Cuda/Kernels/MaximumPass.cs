// First pass: the exact largest number of agreements of every row with its allowed keys, an integer, so that the order of tiles cannot matter. A row without keys keeps 0.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class MaximumPass(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, SignProducts products)
{
    private const int ColumnTiles = TileLayout.TileKeys / 8;

    /// <summary>Emits the pass; returns the maximum of every row of the block's <see cref="AttentionBlock.Rows"/>.</summary>
    public PtxRegister[] Emit(TilePipeline pipeline, PtxRegister keyWords)
    {
        int copies = TileLayout.GroupKeys * variant.Layout.TokenBytes / (AttentionVariant.Threads * 16);
        PtxRegister source = ptx.Op("add.s64", keyWords, ptx.Op("mul.wide.u32", block.Thread, 16));
        PtxRegister[] maxima = block.Rows.Select(_ => ptx.Op("mov.b32", 0)).ToArray();
        pipeline.Run(
            block.KeyGroups,
            (buffer, predicate) =>
            {
                PtxRegister target = ptx.Op("mad.lo.s32", block.Thread, 16, buffer);
                ptx.When(predicate, () =>
                {
                    for (int i = 0; i < copies; i++)
                    {
                        ptx.CopyAsync(target, i * AttentionVariant.Threads * 16, source, i * AttentionVariant.Threads * 16);
                    }
                });
                ptx.Into(source, "add.s64", source, TileLayout.GroupKeys * variant.Layout.TokenBytes);
            },
            (buffer, group) => Group(buffer, group, maxima),
            areBuffersReused: true);
        foreach (PtxRegister maximum in maxima)
        {
            ptx.Into(maximum, "max.s32", maximum, ptx.ShuffleXor(maximum, 1));
            ptx.Into(maximum, "max.s32", maximum, ptx.ShuffleXor(maximum, 2));
        }

        return maxima;
    }

    private void Group(PtxRegister buffer, PtxRegister group, PtxRegister[] maxima)
    {
        PtxRegister firstKey = ptx.Op("shl.b32", group, 8);
        PtxRegister address = products.KeyAddress(buffer);
        PtxRegister left = ptx.Op("mov.b32", TileLayout.GroupKeys / TileLayout.TileKeys);
        PtxLabel masked = ptx.Label("masked_group");
        PtxLabel done = ptx.Label("group_done");
        ptx.Branch(masked, ptx.Op("setp.gt.s32", ptx.Op("add.s32", firstKey, TileLayout.GroupKeys), block.FullLimit));
        Loop(left, address, () => Tiles(address, maxima, null));
        ptx.Branch(done);

        ptx.Place(masked);
        PtxRegister laneKey = ptx.Op("mad.lo.s32", block.InGroup, 4, firstKey);
        PtxRegister[] limits = block.Limits.Select(limit => ptx.Op("sub.s32", limit, laneKey)).ToArray();
        Loop(left, address, () =>
        {
            Tiles(address, maxima, limits);
            foreach (PtxRegister limit in limits)
            {
                ptx.Into(limit, "sub.s32", limit, TileLayout.TileKeys);
            }
        });
        ptx.Place(done);
    }

    private void Loop(PtxRegister left, PtxRegister address, Action body)
    {
        PtxLabel loop = ptx.Label("tile");
        ptx.Place(loop);
        body();
        ptx.Into(address, "add.s32", address, variant.Layout.KeyTileBytes);
        ptx.Into(left, "sub.s32", left, 1);
        ptx.Branch(loop, ptx.Op("setp.gt.s32", left, 0));
    }

    // 64 keys; limits hold, per row, how many keys beyond the lane's own offset are allowed.
    private void Tiles(PtxRegister address, PtxRegister[] maxima, PtxRegister[]? limits)
    {
        for (int tile = 0; tile < ColumnTiles; tile++)
        {
            PtxRegister[] keys = products.Keys(address, tile);
            for (int rowTile = 0; rowTile < variant.RowTiles; rowTile++)
            {
                PtxRegister[] agreements = products.Agreements(rowTile, keys);
                for (int i = 0; i < agreements.Length; i++)
                {
                    int row = (2 * rowTile) + (i / 2);
                    PtxRegister candidate = limits is null
                        ? agreements[i]
                        : ptx.Op("selp.b32", agreements[i], 0, ptx.Op("setp.gt.s32", limits[row], TileLayout.KeyOffset(tile, i % 2)));
                    ptx.Into(maxima[row], "max.s32", maxima[row], candidate);
                }
            }
        }
    }
}
