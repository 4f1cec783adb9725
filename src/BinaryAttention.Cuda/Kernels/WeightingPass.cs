// Second pass: numerators P_ij (u8) from the rule, times the 8-bit values: sum_c += P_ij * level_jc. The sums are 32-bit integers,
// 255 * 127 * 66,000 keys < 2^31; longer rows add them to 64-bit sums every chunk of tiles.
// The keys' column order makes a lane's scores the bytes of its own left operand (TileLayout). Right operand by matrix load: register q holds channel g, keys 16 q + 4 t .. + 3
// (PTX ISA, "Matrix Fragments for mma.m16n8k32" and "ldmatrix").
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class WeightingPass(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, SignProducts products, ScoreRule rule, WideSums? wide)
{
    private readonly int _octets = variant.Layout.PaddedChannels / 8;

    // Sums of P times level: [row tile][octet of channels][c0 .. c3].
    private readonly PtxRegister[][][] _weighted = Sums(ptx, variant);

    /// <summary>A sum of P times level as float32.</summary>
    public PtxRegister Weighted(int rowTile, int octet, int element) => wide is null
        ? ptx.Op("cvt.rn.f32.s32", _weighted[rowTile][octet][element])
        : wide.Single((((rowTile * _octets) + octet) * 4) + element);

    /// <summary>Emits the pass.</summary>
    /// <param name="pipeline">Copies.</param>
    /// <param name="keyWords">Signs of the key head.</param>
    /// <param name="levels">Value tiles of the key head.</param>
    /// <param name="keyTerms">Per-key terms of the key head, in key order, if the variant has them.</param>
    public void Emit(TilePipeline pipeline, PtxRegister keyWords, PtxRegister levels, PtxRegister keyTerms)
    {
        TileLayout layout = variant.Layout;
        PtxRegister laneBytes = ptx.Op("mul.wide.u32", block.Thread, 16);
        PtxRegister keySource = ptx.Op("add.s64", keyWords, laneBytes);
        PtxRegister valueSource = ptx.Op("add.s64", levels, laneBytes);
        PtxRegister termSource = variant.HasKeyTerms ? ptx.Op("add.s64", keyTerms, laneBytes) : default;
        PtxRegister copiesTerms = variant.HasKeyTerms ? ptx.Op("setp.lt.u32", block.Thread, TileLayout.TileKeys * 4 / 16) : default;
        PtxRegister copiesKeys = ptx.Op("setp.lt.u32", block.Thread, layout.KeyTileBytes / 16);

        // Lane l gives row l mod 8 of matrix l / 8: channel l mod 8, chunk l / 8 of 16 keys, where the swizzle put it.
        PtxRegister matrixRow = ptx.Op("and.b32", block.Lane, 7);
        PtxRegister matrixChunk = ptx.Op("xor.b32", ptx.Op("shr.u32", block.Lane, 3), ptx.Op("shr.u32", matrixRow, 1));
        PtxRegister matrixOffset = ptx.Op("mad.lo.s32", matrixRow, TileLayout.ChannelBytes, ptx.Op("shl.b32", matrixChunk, 4));
        void Run(PtxRegister count, PtxRegister? firstTile)
        {
            pipeline.Run(
                count,
                (buffer, predicate) =>
                {
                    PtxRegister target = ptx.Op("mad.lo.s32", block.Thread, 16, buffer);
                    ptx.When(ptx.Op("and.pred", predicate, copiesKeys), () => ptx.CopyAsync(target, 0, keySource, 0));
                    ptx.When(predicate, () =>
                    {
                        for (int offset = 0; offset < layout.ValueTileBytes; offset += AttentionVariant.Threads * 16)
                        {
                            ptx.CopyAsync(target, layout.KeyTileBytes + offset, valueSource, offset);
                        }
                    });
                    ptx.Into(keySource, "add.s64", keySource, layout.KeyTileBytes);
                    ptx.Into(valueSource, "add.s64", valueSource, layout.ValueTileBytes);
                    if (variant.HasKeyTerms)
                    {
                        ptx.When(ptx.Op("and.pred", predicate, copiesTerms), () => ptx.CopyAsync(target, layout.KeyTileBytes + layout.ValueTileBytes, termSource, 0));
                        ptx.Into(termSource, "add.s64", termSource, TileLayout.TileKeys * 4);
                    }
                },
                (buffer, tile) => Tile(buffer, firstTile is { } first ? ptx.Op("add.s32", tile, first) : tile, ptx.Op("add.s32", buffer, matrixOffset)),
                areBuffersReused: wide is not null);
        }

        if (wide is null)
        {
            Run(block.Tiles, null);
            return;
        }

        PtxRegister[] sums = _weighted.SelectMany(static tile => tile.SelectMany(static octet => octet)).ToArray();
        wide.Clear(sums.Length);
        PtxRegister keyStart = ptx.Op("mov.b64", keySource);
        PtxRegister valueStart = ptx.Op("mov.b64", valueSource);
        PtxRegister termStart = variant.HasKeyTerms ? ptx.Op("mov.b64", termSource) : default;
        PtxRegister chunk = ptx.Op("mov.b32", 0);
        PtxLabel loop = ptx.Label("chunk");
        PtxLabel done = ptx.Label("chunks_done");
        ptx.Place(loop);
        PtxRegister left = ptx.Op("sub.s32", block.Tiles, chunk);
        ptx.Branch(done, ptx.Op("setp.le.s32", left, 0));
        ptx.Into(keySource, "add.s64", keyStart, ptx.Op("mul.wide.u32", chunk, layout.KeyTileBytes));
        ptx.Into(valueSource, "add.s64", valueStart, ptx.Op("mul.wide.u32", chunk, layout.ValueTileBytes));
        if (variant.HasKeyTerms)
        {
            ptx.Into(termSource, "add.s64", termStart, ptx.Op("mul.wide.u32", chunk, TileLayout.TileKeys * 4));
        }

        Run(ptx.Op("min.s32", left, variant.ChunkTiles), chunk);
        wide.Flush(sums);
        ptx.Into(chunk, "add.s32", chunk, variant.ChunkTiles);
        ptx.Branch(loop);
        ptx.Place(done);
    }

    private static PtxRegister[][][] Sums(PtxEmitter ptx, AttentionVariant variant) =>
        Enumerable.Range(0, variant.RowTiles).Select(_ => Enumerable.Range(0, variant.Layout.PaddedChannels / 8).Select(_ => Enumerable.Range(0, 4).Select(_ => ptx.Op("mov.b32", 0)).ToArray()).ToArray()).ToArray();

    private void Tile(PtxRegister buffer, PtxRegister tile, PtxRegister matrices)
    {
        PtxRegister firstKey = ptx.Op("shl.b32", tile, 6);
        PtxRegister keyAddress = products.KeyAddress(buffer);
        PtxLabel masked = ptx.Label("masked_tile");
        PtxLabel done = ptx.Label("tile_done");
        PtxRegister terms = variant.HasKeyTerms ? ptx.Op("add.s32", buffer, variant.Layout.KeyTileBytes + variant.Layout.ValueTileBytes) : default;
        PtxRegister fullKey = variant.HasBias ? ptx.Op("mad.lo.s32", block.InGroup, 4, firstKey) : default;
        ptx.Branch(masked, ptx.Op("setp.gt.s32", ptx.Op("add.s32", firstKey, TileLayout.TileKeys), block.FullLimit));
        rule.BeginTile(terms, fullKey);
        Body(keyAddress, matrices, null);
        ptx.Branch(done);

        // Only tiles that some row of the warp does not see whole pay for the comparisons.
        ptx.Place(masked);
        PtxRegister laneKey = ptx.Op("mad.lo.s32", block.InGroup, 4, firstKey);
        rule.BeginTile(terms, laneKey);
        Body(keyAddress, matrices, block.Limits.Select(limit => ptx.Op("sub.s32", limit, laneKey)).ToArray());
        ptx.Place(done);
    }

    private void Body(PtxRegister keyAddress, PtxRegister matrices, PtxRegister[]? limits)
    {
        // [row tile][half of 32 keys][a0 .. a3]
        var left = new PtxRegister[variant.RowTiles, 2][];
        for (int half = 0; half < 2; half++)
        {
            var agreements = new PtxRegister[variant.RowTiles, 4][];
            for (int tile = 0; tile < 4; tile++)
            {
                PtxRegister[] keys = products.Keys(keyAddress, (4 * half) + tile);
                for (int rowTile = 0; rowTile < variant.RowTiles; rowTile++)
                {
                    agreements[rowTile, tile] = products.Agreements(rowTile, keys);
                }
            }

            for (int rowTile = 0; rowTile < variant.RowTiles; rowTile++)
            {
                // a0: row g, tiles 0 and 1;  a1: row g + 8, the same;  a2, a3: tiles 2 and 3.
                left[rowTile, half] = new PtxRegister[4];
                for (int register = 0; register < 4; register++)
                {
                    int firstTile = register / 2 * 2;
                    left[rowTile, half][register] = Numerators(rowTile, register % 2, (4 * half) + firstTile, agreements[rowTile, firstTile], agreements[rowTile, firstTile + 1], limits);
                }
            }
        }

        for (int octet = 0; octet < _octets; octet++)
        {
            PtxRegister[] values = ptx.New(PtxClass.B32, 4);
            ptx.LoadMatrices(values, matrices, variant.Layout.KeyTileBytes + (octet * 8 * TileLayout.ChannelBytes));
            for (int rowTile = 0; rowTile < variant.RowTiles; rowTile++)
            {
                PtxRegister[] sums = _weighted[rowTile][octet];
                ptx.MultiplyBytes(sums, left[rowTile, 0], values.AsSpan(0, 2), sums);
                ptx.MultiplyBytes(sums, left[rowTile, 1], values.AsSpan(2, 2), sums);
            }
        }
    }

    // Four keys of one row.
    private PtxRegister Numerators(int rowTile, int rowHalf, int tile, PtxRegister[] first, PtxRegister[] second, PtxRegister[]? limits)
    {
        int row = (2 * rowTile) + rowHalf;
        PtxRegister[] agreements = [first[2 * rowHalf], first[(2 * rowHalf) + 1], second[2 * rowHalf], second[(2 * rowHalf) + 1]];
        PtxRegister[]? isAllowed = limits is null
            ? null
            : Enumerable.Range(0, 4).Select(i => ptx.Op("setp.gt.s32", limits[row], TileLayout.KeyOffset(tile + (i / 2), i % 2))).ToArray();
        return rule.Numerators(row, tile, agreements, isAllowed);
    }
}
