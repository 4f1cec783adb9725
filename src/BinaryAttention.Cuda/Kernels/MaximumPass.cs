// First pass: the largest score of every row over its allowed keys. In table mode an exact integer; the maximum of floats does not depend on the order of tiles either.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class MaximumPass(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, SignProducts products, ScoreRule rule)
{
    private const int ColumnTiles = TileLayout.TileKeys / 8;

    /// <summary>Emits the pass; the rule keeps the maxima.</summary>
    /// <param name="pipeline">Copies.</param>
    /// <param name="keyWords">Signs of the key head.</param>
    /// <param name="keyTerms">Per-key terms of the key head, in key order, if the variant has them.</param>
    public void Emit(TilePipeline pipeline, PtxRegister keyWords, PtxRegister keyTerms)
    {
        int keyBytes = TileLayout.GroupKeys * variant.Layout.TokenBytes;
        int copies = keyBytes / (AttentionVariant.Threads * 16);
        PtxRegister laneBytes = ptx.Op("mul.wide.u32", block.Thread, 16);
        PtxRegister source = ptx.Op("add.s64", keyWords, laneBytes);
        PtxRegister termSource = variant.HasKeyTerms ? ptx.Op("add.s64", keyTerms, laneBytes) : default;
        PtxRegister copiesTerms = variant.HasKeyTerms ? ptx.Op("setp.lt.u32", block.Thread, TileLayout.GroupKeys * 4 / 16) : default;
        PtxRegister[] maxima = block.Rows.Select(_ => rule.StartMaximum()).ToArray();
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
                ptx.Into(source, "add.s64", source, keyBytes);
                if (variant.HasKeyTerms)
                {
                    ptx.When(ptx.Op("and.pred", predicate, copiesTerms), () => ptx.CopyAsync(target, keyBytes, termSource, 0));
                    ptx.Into(termSource, "add.s64", termSource, TileLayout.GroupKeys * 4);
                }
            },
            (buffer, group) => Group(buffer, group, maxima),
            areBuffersReused: true);
        for (int row = 0; row < maxima.Length; row++)
        {
            rule.FinishMaximum(row, maxima[row]);
        }
    }

    private void Group(PtxRegister buffer, PtxRegister group, PtxRegister[] maxima)
    {
        PtxRegister firstKey = ptx.Op("shl.b32", group, 8);
        PtxRegister address = products.KeyAddress(buffer);
        PtxRegister terms = variant.HasKeyTerms ? ptx.Op("add.s32", buffer, TileLayout.GroupKeys * variant.Layout.TokenBytes) : default;
        PtxRegister left = ptx.Op("mov.b32", TileLayout.GroupKeys / TileLayout.TileKeys);
        PtxLabel masked = ptx.Label("masked_group");
        PtxLabel done = ptx.Label("group_done");
        ptx.Branch(masked, ptx.Op("setp.gt.s32", ptx.Op("add.s32", firstKey, TileLayout.GroupKeys), block.FullLimit));
        PtxRegister laneKey = variant.HasBias ? ptx.Op("mad.lo.s32", block.InGroup, 4, firstKey) : default;
        Loop(left, address, terms, laneKey, () => Tiles(address, maxima, null));
        ptx.Branch(done);

        ptx.Place(masked);
        PtxRegister maskedKey = ptx.Op("mad.lo.s32", block.InGroup, 4, firstKey);
        PtxRegister[] limits = block.Limits.Select(limit => ptx.Op("sub.s32", limit, maskedKey)).ToArray();
        Loop(left, address, terms, maskedKey, () =>
        {
            Tiles(address, maxima, limits);
            foreach (PtxRegister limit in limits)
            {
                ptx.Into(limit, "sub.s32", limit, TileLayout.TileKeys);
            }
        });
        ptx.Place(done);
    }

    private void Loop(PtxRegister left, PtxRegister address, PtxRegister terms, PtxRegister laneKey, Action body)
    {
        PtxLabel loop = ptx.Label("tile");
        ptx.Place(loop);
        rule.BeginTile(terms, laneKey);
        body();
        ptx.Into(address, "add.s32", address, variant.Layout.KeyTileBytes);
        if (variant.HasKeyTerms)
        {
            ptx.Into(terms, "add.s32", terms, TileLayout.TileKeys * 4);
        }

        if (variant.HasBias)
        {
            ptx.Into(laneKey, "add.s32", laneKey, TileLayout.TileKeys);
        }

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
                    PtxRegister? isAllowed = limits is null ? null : ptx.Op("setp.gt.s32", limits[row], TileLayout.KeyOffset(tile, i % 2));
                    rule.Include(maxima[row], row, tile, i % 2, agreements[i], isAllowed);
                }
            }
        }
    }
}
