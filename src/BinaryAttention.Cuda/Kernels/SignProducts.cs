// Agreements of 16 query rows with 8 keys in one instruction: the and-popcount of [q, ~q] and [k, ~k] counts channels with equal signs, d - hammingDistance.
// Up to 64 channels the pair fills 128 bits (two words and their complements), above that 256 bits. Bits beyond the head dimension are 0 in q, k and in the masked ~q, so that they
// never count, whatever ~k holds there. Complements are made in registers.
// Fragments (PTX ISA, "Matrix Fragments for mma.m16n8k128" and "... m16n8k256", g = lane / 4, t = lane mod 4): A rows g and g + 8, bits 32 t .. 32 t + 31, then 128 + 32 t ..;
// B column g, the same bits; sums c0, c1 at row g, columns 2 t and 2 t + 1, c2, c3 at row g + 8.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class SignProducts
{
    private readonly PtxEmitter _ptx;
    private readonly TileLayout _layout;
    private readonly PtxRegister[][] _queries;
    private readonly PtxRegister[] _zeros;
    private readonly PtxRegister _complement;
    private readonly PtxRegister _laneOffset;

    /// <summary>Loads the warp's query fragments.</summary>
    public SignProducts(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, PtxRegister queryWords)
    {
        _ptx = ptx;
        _layout = variant.Layout;
        PtxRegister zero = ptx.Op("mov.b32", 0);
        _zeros = [zero, zero, zero, zero];
        PtxRegister word = _layout.IsWide ? block.InGroup : ptx.Op("and.b32", block.InGroup, 1);
        _laneOffset = ptx.Op("mad.lo.s32", block.Group, _layout.TokenBytes, ptx.Op("shl.b32", word, 2));
        PtxRegister keep = ValidBits(word);
        if (!_layout.IsWide)
        {
            // Lanes t = 0, 1 hold the words, t = 2, 3 their complements.
            PtxRegister isUpper = ptx.Op("setp.ge.s32", block.InGroup, 2);
            _complement = ptx.Op("selp.b32", -1, 0, isUpper);
        }

        PtxRegister headRow = ptx.Op("mul.wide.u32", block.HeadIndex, block.QueryLength);
        var rows = new PtxRegister[block.Rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            PtxRegister row = ptx.Op("min.s32", block.Rows[i], block.LastRow);
            PtxRegister index = ptx.Op("add.s64", headRow, ptx.Op("cvt.u64.u32", row));
            PtxRegister address = ptx.Op("add.s64", queryWords, ptx.Op("shl.b64", index, _layout.IsWide ? 4 : 3));
            rows[i] = ptx.Load("global.nc", "b32", ptx.Op("add.s64", address, ptx.Op("mul.wide.u32", word, 4)));
        }

        _queries = new PtxRegister[variant.RowTiles][];
        for (int tile = 0; tile < _queries.Length; tile++)
        {
            PtxRegister upper = rows[2 * tile];
            PtxRegister lower = rows[(2 * tile) + 1];
            _queries[tile] = _layout.IsWide
                ? [upper, lower, Complement(upper, keep), Complement(lower, keep)]
                : [ptx.Op("and.b32", ptx.Op("xor.b32", upper, _complement), keep), ptx.Op("and.b32", ptx.Op("xor.b32", lower, _complement), keep)];
        }
    }

    /// <summary>The lane's part of a key buffer's address.</summary>
    public PtxRegister KeyAddress(PtxRegister buffer) => _ptx.Op("add.s32", buffer, _laneOffset);

    /// <summary>The right operand of column tile <paramref name="tile"/>.</summary>
    public PtxRegister[] Keys(PtxRegister keyAddress, int tile)
    {
        PtxRegister word = _ptx.Load("shared", "b32", keyAddress, tile * 8 * _layout.TokenBytes);
        return _layout.IsWide ? [word, _ptx.Op("not.b32", word)] : [_ptx.Op("xor.b32", word, _complement)];
    }

    /// <summary>Agreements of one row tile with eight keys: c0 .. c3.</summary>
    public PtxRegister[] Agreements(int rowTile, PtxRegister[] keys)
    {
        PtxRegister[] sums = _ptx.New(PtxClass.B32, 4);
        _ptx.MultiplyBits(sums, _queries[rowTile], keys, _zeros);
        return sums;
    }

    private PtxRegister Complement(PtxRegister word, PtxRegister keep) => _ptx.Op("and.b32", _ptx.Op("not.b32", word), keep);

    // 2^n - 1 with n = clamp(d - 32 word, 0, 32); a shift by 32 or more gives 0.
    private PtxRegister ValidBits(PtxRegister word)
    {
        PtxRegister left = _ptx.Op("mad.lo.s32", word, -32, _layout.HeadDimension);
        PtxRegister bits = _ptx.Op("min.s32", _ptx.Op("max.s32", left, 0), 32);
        return _ptx.Op("not.b32", _ptx.Op("shl.b32", -1, bits));
    }
}
