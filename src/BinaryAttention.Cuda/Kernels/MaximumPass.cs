// First pass: the largest score of every row over its allowed keys. In table mode an exact integer; the maximum of floats does not depend on the order of tiles either.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class MaximumPass(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, TileList list, TileMask mask, SignProducts products, ScoreRule rule)
{
    private const int ColumnTiles = TileLayout.TileKeys / 8;
    private const int RoundBytes = AttentionVariant.Threads * 16;

    /// <summary>Emits the pass; the rule keeps the maxima.</summary>
    /// <param name="pipeline">Copies.</param>
    /// <param name="keySigns">Signs of the key head.</param>
    /// <param name="keyTerms">Per-key terms of the key head, in key order, if the variant has them.</param>
    public void Emit(TilePipeline pipeline, PtxRegister keySigns, PtxRegister keyTerms)
    {
        int keyBytes = variant.GroupKeys * variant.Layout.TokenBytes;
        int termBytes = variant.GroupKeys * variant.KeyTermBytes;
        PtxRegister laneBytes = ptx.Op("mul.wide.u32", block.Thread, 16);
        var source = new TileSource(ptx, list, ptx.Op("add.s64", keySigns, laneBytes), keyBytes);
        TileSource? termSource = variant.HasKeyTerms ? new TileSource(ptx, list, ptx.Op("add.s64", keyTerms, laneBytes), termBytes) : null;
        PtxRegister copiesPart = keyBytes % RoundBytes != 0 ? ptx.Op("setp.lt.u32", block.Thread, keyBytes % RoundBytes / 16) : default;
        PtxRegister copiesTerms = variant.HasKeyTerms ? ptx.Op("setp.lt.u32", block.Thread, Math.Min(termBytes, RoundBytes) / 16) : default;
        PtxRegister[] maxima = block.Rows.Select(_ => rule.StartMaximum()).ToArray();
        pipeline.Run(
            list.Groups,
            (buffer, predicate, step) =>
            {
                PtxRegister target = ptx.Op("mad.lo.s32", block.Thread, 16, buffer);
                PtxRegister tile = list.Tile(step, predicate);
                PtxRegister keys = source.Of(tile);
                for (int offset = 0; offset < keyBytes; offset += RoundBytes)
                {
                    pipeline.Copy(keyBytes - offset < RoundBytes ? ptx.Op("and.pred", predicate, copiesPart) : predicate, target, offset, keys, offset);
                }

                source.Next();
                if (termSource is not null)
                {
                    PtxRegister terms = termSource.Of(tile);
                    pipeline.Copy(ptx.Op("and.pred", predicate, copiesTerms), target, keyBytes, terms, 0);
                    termSource.Next();
                }
            },
            (buffer, step) =>
            {
                PtxRegister terms = variant.HasKeyTerms ? ptx.Op("add.s32", buffer, keyBytes) : default;
                if (variant.GroupKeys == TileLayout.TileKeys)
                {
                    PtxRegister address = products.KeyAddress(buffer);
                    mask.Emit(list.Tile(step), (laneKey, isAllowed) =>
                    {
                        rule.BeginTile(terms, laneKey);
                        Tiles(address, maxima, isAllowed);
                    });
                }
                else
                {
                    Group(buffer, step, terms, maxima);
                }
            },
            areBuffersReused: true);
        for (int row = 0; row < maxima.Length; row++)
        {
            rule.FinishMaximum(row, maxima[row]);
        }
    }

    // Several tiles: a loop over them, with or without limits.
    private void Group(PtxRegister buffer, PtxRegister group, PtxRegister terms, PtxRegister[] maxima)
    {
        PtxRegister firstKey = ptx.Op("shl.b32", group, int.Log2(variant.GroupKeys));
        PtxRegister address = products.KeyAddress(buffer);
        PtxRegister left = ptx.Op("mov.b32", variant.GroupKeys / TileLayout.TileKeys);
        PtxLabel masked = ptx.Label("masked_group");
        PtxLabel done = ptx.Label("group_done");
        ptx.Branch(masked, ptx.Op("setp.gt.s32", ptx.Op("add.s32", firstKey, variant.GroupKeys), block.FullLimit));
        PtxRegister laneKey = variant.HasBias ? ptx.Op("mad.lo.s32", block.InGroup, 4, firstKey) : default;
        Loop(left, address, terms, laneKey, () => Tiles(address, maxima, null));
        ptx.Branch(done);

        ptx.Place(masked);
        PtxRegister maskedKey = ptx.Op("mad.lo.s32", block.InGroup, 4, firstKey);
        PtxRegister[] limits = block.Limits.Select(limit => ptx.Op("sub.s32", limit, maskedKey)).ToArray();
        Loop(left, address, terms, maskedKey, () =>
        {
            Tiles(address, maxima, mask.LimitTest(limits));
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
            ptx.Into(terms, "add.s32", terms, TileLayout.TileKeys * variant.KeyTermBytes);
        }

        if (variant.HasBias)
        {
            ptx.Into(laneKey, "add.s32", laneKey, TileLayout.TileKeys);
        }

        ptx.Into(left, "sub.s32", left, 1);
        ptx.Branch(loop, ptx.Op("setp.gt.s32", left, 0));
    }

    // 64 keys.
    private void Tiles(PtxRegister address, PtxRegister[] maxima, PairTest? isAllowed)
    {
        for (int tile = 0; tile < ColumnTiles; tile++)
        {
            PtxRegister[] keys = products.Keys(address, tile);
            for (int rowTile = 0; rowTile < variant.RowTiles; rowTile++)
            {
                PtxRegister[] scores = products.Scores(rowTile, keys);
                for (int i = 0; i < scores.Length; i++)
                {
                    int row = (2 * rowTile) + (i / 2);
                    rule.Include(maxima[row], row, tile, i % 2, scores[i], isAllowed?.Invoke(row, tile, i % 2));
                }
            }
        }
    }
}
