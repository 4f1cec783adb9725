// Where a block, a warp and a lane stand: query rows, key head, and how many keys each row may see. A lane owns, in every row tile of 16, rows g and g + 8 with g = lane / 4.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class AttentionBlock
{
    public AttentionBlock(PtxEmitter ptx, AttentionVariant variant, KeyCount queries, KeyCount keys, PtxRegister heads, PtxRegister headsPerKeyHead)
    {
        PtxRegister queryLength = queries.Keys;
        Thread = ptx.Special("%tid.x");
        Lane = ptx.Op("and.b32", Thread, 31);
        Warp = ptx.Op("shr.u32", Thread, 5);
        Group = ptx.Op("shr.u32", Lane, 2);
        InGroup = ptx.Op("and.b32", Lane, 3);
        Head = ptx.Special("%ctaid.y");
        Batch = ptx.Special("%ctaid.z");
        QueryLength = queryLength;
        HeadIndex = ptx.Op("mad.lo.s32", Batch, heads, Head);
        KeyHeadIndex = ptx.Op("div.u32", HeadIndex, headsPerKeyHead);
        PtxRegister blockRow = ptx.Op("mul.lo.s32", ptx.Special("%ctaid.x"), variant.RowsPerBlock);
        WarpRow = ptx.Op("mad.lo.s32", Warp, variant.RowsPerWarp, blockRow);
        LastRow = ptx.Op("sub.s32", queryLength, 1);
        PtxRegister valid = keys.Valid(Batch);
        Rows = new PtxRegister[variant.RowTiles * 2];
        Limits = new PtxRegister[Rows.Length];
        IsPadded = new PtxRegister[variant.HasQueryLengths ? Rows.Length : 0];
        PtxRegister laneRow = ptx.Op("add.s32", WarpRow, Group);
        for (int i = 0; i < Rows.Length; i++)
        {
            Rows[i] = i == 0 ? laneRow : ptx.Op("add.s32", laneRow, 8 * i);
        }

        PtxRegister blockLimit = valid;
        Array.Fill(Limits, valid);
        FullLimit = valid;
        if (variant.IsCausal)
        {
            // Row i sees keys j <= i + keyLength - queryLength.
            PtxRegister shift = ptx.Op("sub.s32", ptx.Op("add.s32", keys.Keys, 1), queryLength);
            for (int i = 0; i < Rows.Length; i++)
            {
                Limits[i] = ptx.Op("min.s32", valid, ptx.Op("add.s32", Rows[i], shift));
            }

            if (!variant.HasPairs)
            {
                FullLimit = ptx.Op("min.s32", valid, ptx.Op("add.s32", WarpRow, shift));
            }

            if (!variant.HasTileList)
            {
                PtxRegister lastRow = ptx.Op("min.s32", ptx.Op("add.s32", blockRow, variant.RowsPerBlock - 1), LastRow);
                blockLimit = ptx.Op("max.s32", ptx.Op("min.s32", valid, ptx.Op("add.s32", lastRow, shift)), 0);
            }
        }

        if (variant.HasQueryLengths)
        {
            PtxRegister validQueries = queries.Valid(Batch);
            for (int i = 0; i < Rows.Length; i++)
            {
                IsPadded[i] = ptx.Op("setp.ge.s32", Rows[i], validQueries);
                Limits[i] = ptx.Op("selp.b32", 0, Limits[i], IsPadded[i]);
            }

            if (!variant.HasPairs)
            {
                FullLimit = ptx.Op("selp.b32", FullLimit, 0, ptx.Op("setp.le.s32", ptx.Op("add.s32", WarpRow, variant.RowsPerWarp), validQueries));
            }

            if (!variant.HasTileList)
            {
                blockLimit = ptx.Op("selp.b32", 0, blockLimit, ptx.Op("setp.ge.s32", blockRow, validQueries));
            }
        }

        BlockLimit = blockLimit;
    }

    public PtxRegister Thread { get; }

    public PtxRegister Lane { get; }

    public PtxRegister Warp { get; }

    /// <summary>Lane / 4: the matrix instructions' groupID.</summary>
    public PtxRegister Group { get; }

    /// <summary>Lane mod 4: the matrix instructions' threadID_in_group.</summary>
    public PtxRegister InGroup { get; }

    public PtxRegister Head { get; }

    public PtxRegister Batch { get; }

    public PtxRegister QueryLength { get; }

    /// <summary>Query head over all batch items.</summary>
    public PtxRegister HeadIndex { get; }

    /// <summary>Key head over all batch items.</summary>
    public PtxRegister KeyHeadIndex { get; }

    /// <summary>First row of the warp.</summary>
    public PtxRegister WarpRow { get; }

    /// <summary>queryLength - 1: rows beyond it read this row and store nothing.</summary>
    public PtxRegister LastRow { get; }

    /// <summary>The lane's rows: tile 0 row g, tile 0 row g + 8, tile 1 row g, ...</summary>
    public PtxRegister[] Rows { get; }

    /// <summary>Keys below it are allowed, per row of <see cref="Rows"/>; may be negative.</summary>
    public PtxRegister[] Limits { get; }

    /// <summary>Keys below it are allowed for every row of the warp; not with a boolean mask.</summary>
    public PtxRegister FullLimit { get; }

    /// <summary>Whether a row is padding, per row of <see cref="Rows"/>; none without query lengths.</summary>
    public PtxRegister[] IsPadded { get; }

    /// <summary>Keys below it are seen by some row of the block; not with a list of tiles.</summary>
    public PtxRegister BlockLimit { get; }
}
