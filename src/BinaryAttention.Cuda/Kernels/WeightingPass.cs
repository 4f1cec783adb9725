// Second pass: numerators P_ij (u8) from the rule, times the 8-bit values: sum_c += P_ij * level_jc. The sums are 32-bit integers,
// 255 * 127 * 66,000 keys < 2^31; longer rows add them to 64-bit sums every chunk of tiles.
// The keys' column order makes a lane's scores the bytes of its own left operand (TileLayout). Right operand by matrix load: register q holds channel g, keys 16 q + 4 t .. + 3
// (PTX ISA, "Matrix Fragments for mma.m16n8k32" and "ldmatrix").
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class WeightingPass(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, TileList list, TileMask mask, SignProducts products, ScoreRule rule, WideSums? wide)
{
    private const int RoundBytes = AttentionVariant.Threads * 16;
    private readonly int _octets = variant.Layout.PaddedChannels / 8;

    // Sums of P times level: [row tile][octet of channels][c0 .. c3].
    private readonly PtxRegister[][][] _weighted = Sums(ptx, variant);

    /// <summary>A sum of P times level as float32.</summary>
    public PtxRegister Weighted(int rowTile, int octet, int element) => wide is null
        ? ptx.Op("cvt.rn.f32.s32", _weighted[rowTile][octet][element])
        : wide.Single((((rowTile * _octets) + octet) * 4) + element);

    /// <summary>Emits the pass.</summary>
    /// <param name="pipeline">Copies.</param>
    /// <param name="keySigns">Signs of the key head.</param>
    /// <param name="levels">Value tiles of the key head.</param>
    /// <param name="keyTerms">Per-key terms of the key head, in key order, if the variant has them.</param>
    public void Emit(TilePipeline pipeline, PtxRegister keySigns, PtxRegister levels, PtxRegister keyTerms)
    {
        TileLayout layout = variant.Layout;
        int termBytes = TileLayout.TileKeys * variant.KeyTermBytes;
        PtxRegister laneBytes = ptx.Op("mul.wide.u32", block.Thread, 16);
        List<(TileSource Source, int Target, int Bytes)> operands =
        [
            (new TileSource(ptx, list, ptx.Op("add.s64", keySigns, laneBytes), layout.KeyTileBytes), 0, layout.KeyTileBytes),
            (new TileSource(ptx, list, ptx.Op("add.s64", levels, laneBytes), layout.ValueTileBytes), layout.KeyTileBytes, layout.ValueTileBytes),
        ];
        if (variant.HasKeyTerms)
        {
            operands.Add((new TileSource(ptx, list, ptx.Op("add.s64", keyTerms, laneBytes), termBytes), layout.KeyTileBytes + layout.ValueTileBytes, termBytes));
        }

        // Threads that copy where an operand is no whole number of rounds.
        Dictionary<int, PtxRegister> isInPart = operands.Select(static operand => operand.Bytes % RoundBytes).Where(static bytes => bytes != 0).Distinct()
            .ToDictionary(static bytes => bytes, bytes => ptx.Op("setp.lt.u32", block.Thread, bytes / 16));

        // Lane l gives row l mod 8 of matrix l / 8: channel l mod 8, chunk l / 8 of 16 keys, where the swizzle put it.
        PtxRegister matrixRow = ptx.Op("and.b32", block.Lane, 7);
        PtxRegister matrixChunk = ptx.Op("xor.b32", ptx.Op("shr.u32", block.Lane, 3), ptx.Op("shr.u32", matrixRow, 1));
        PtxRegister matrixOffset = ptx.Op("mad.lo.s32", matrixRow, TileLayout.ChannelBytes, ptx.Op("shl.b32", matrixChunk, 4));
        PtxRegister Listed(PtxRegister step, PtxRegister? firstStep, PtxRegister? predicate) => list.Tile(firstStep is { } first ? ptx.Op("add.s32", step, first) : step, predicate);
        void Run(PtxRegister count, PtxRegister? firstStep)
        {
            pipeline.Run(
                count,
                (buffer, predicate, step) =>
                {
                    PtxRegister target = ptx.Op("mad.lo.s32", block.Thread, 16, buffer);
                    PtxRegister tile = list.IsListed ? Listed(step, firstStep, predicate) : default;
                    foreach ((TileSource source, int start, int bytes) in operands)
                    {
                        PtxRegister from = source.Of(tile);
                        for (int offset = 0; offset < bytes; offset += RoundBytes)
                        {
                            pipeline.Copy(bytes - offset < RoundBytes ? ptx.Op("and.pred", predicate, isInPart[bytes % RoundBytes]) : predicate, target, start + offset, from, offset);
                        }

                        source.Next();
                    }
                },
                (buffer, step) => Tile(buffer, Listed(step, firstStep, null), ptx.Op("add.s32", buffer, matrixOffset)),
                areBuffersReused: wide is not null);
        }

        if (wide is null)
        {
            Run(list.Count, null);
            return;
        }

        PtxRegister[] sums = _weighted.SelectMany(static tile => tile.SelectMany(static octet => octet)).ToArray();
        wide.Clear(sums.Length);
        PtxRegister chunk = ptx.Op("mov.b32", 0);
        PtxLabel loop = ptx.Label("chunk");
        PtxLabel done = ptx.Label("chunks_done");
        ptx.Place(loop);
        PtxRegister left = ptx.Op("sub.s32", list.Count, chunk);
        ptx.Branch(done, ptx.Op("setp.le.s32", left, 0));
        foreach ((TileSource source, _, _) in operands)
        {
            source.Seek(chunk);
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
        PtxRegister keyAddress = products.KeyAddress(buffer);
        PtxRegister terms = variant.HasKeyTerms ? ptx.Op("add.s32", buffer, variant.Layout.KeyTileBytes + variant.Layout.ValueTileBytes) : default;
        mask.Emit(tile, (laneKey, isAllowed) =>
        {
            rule.BeginTile(terms, laneKey);
            Body(keyAddress, matrices, isAllowed);
            rule.EndTile();
        });
    }

    private void Body(PtxRegister keyAddress, PtxRegister matrices, PairTest? isAllowed)
    {
        // [row tile][half of 32 keys][a0 .. a3]
        var left = new PtxRegister[variant.RowTiles, 2][];
        for (int half = 0; half < 2; half++)
        {
            var scores = new PtxRegister[variant.RowTiles, 4][];
            for (int tile = 0; tile < 4; tile++)
            {
                PtxRegister[] keys = products.Keys(keyAddress, (4 * half) + tile);
                for (int rowTile = 0; rowTile < variant.RowTiles; rowTile++)
                {
                    scores[rowTile, tile] = products.Scores(rowTile, keys);
                }
            }

            for (int rowTile = 0; rowTile < variant.RowTiles; rowTile++)
            {
                // a0: row g, tiles 0 and 1;  a1: row g + 8, the same;  a2, a3: tiles 2 and 3.
                left[rowTile, half] = new PtxRegister[4];
                for (int register = 0; register < 4; register++)
                {
                    int firstTile = register / 2 * 2;
                    left[rowTile, half][register] = Numerators(rowTile, register % 2, (4 * half) + firstTile, scores[rowTile, firstTile], scores[rowTile, firstTile + 1], isAllowed);
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
                Multiply(sums, left[rowTile, 0], values.AsSpan(0, 2));
                Multiply(sums, left[rowTile, 1], values.AsSpan(2, 2));
            }
        }
    }

    // 16 rows, 32 keys, 8 channels; sm_75 has the product of 8 rows and 16 keys alone, whose operands and sums are the registers of this one.
    private void Multiply(PtxRegister[] sums, PtxRegister[] left, ReadOnlySpan<PtxRegister> right)
    {
        if (variant.Form != SignProductForm.XorPopcount)
        {
            ptx.MultiplyBytes(sums, left, right, sums);
            return;
        }

        for (int register = 0; register < 4; register++)
        {
            Span<PtxRegister> half = sums.AsSpan(2 * (register % 2), 2);
            ptx.MultiplyFewBytes(half, left[register], right[register / 2], half);
        }
    }

    // Four keys of one row.
    private PtxRegister Numerators(int rowTile, int rowHalf, int tile, PtxRegister[] first, PtxRegister[] second, PairTest? isAllowed)
    {
        int row = (2 * rowTile) + rowHalf;
        PtxRegister[] scores = [first[2 * rowHalf], first[(2 * rowHalf) + 1], second[2 * rowHalf], second[(2 * rowHalf) + 1]];
        PtxRegister[]? allowed = isAllowed is null ? null : Enumerable.Range(0, 4).Select(i => isAllowed(row, tile + (i / 2), i % 2)).ToArray();
        return rule.Numerators(row, tile, scores, allowed);
    }
}
