// One-bit and-popcount: the and-popcount of [q, ~q] and [k, ~k] counts channels with equal signs.
// Up to 64 channels the pair fills 128 bits (two words and their complements), above that 256 bits. Bits beyond the head dimension are 0 in q, k and in the masked ~q, so that they
// never count, whatever ~k holds there. Complements are made in registers.
// Fragments (PTX ISA, "Matrix Fragments for mma.m16n8k128" and "... m16n8k256"): A rows g and g + 8, bits 32 t .. 32 t + 31, then 128 + 32 t ..; B column g, the same bits.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class AndSignProducts : SignProducts
{
    private readonly PtxEmitter _ptx;
    private readonly TileLayout _layout;
    private readonly PtxRegister[][] _queries;
    private readonly PtxRegister[] _zeros;
    private readonly PtxRegister _complement;
    private readonly PtxRegister _laneOffset;

    /// <summary>Loads the warp's query fragments.</summary>
    public AndSignProducts(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, PtxRegister queryWords)
    {
        _ptx = ptx;
        _layout = variant.Layout;
        PtxRegister zero = ptx.Op("mov.b32", 0);
        _zeros = [zero, zero, zero, zero];
        PtxRegister word = _layout.IsWide ? block.InGroup : ptx.Op("and.b32", block.InGroup, 1);
        PtxRegister wordBytes = ptx.Op("shl.b32", word, 2);
        _laneOffset = ptx.Op("mad.lo.s32", block.Group, _layout.TokenBytes, wordBytes);
        PtxRegister keep = ValidBits(word);
        if (!_layout.IsWide)
        {
            // Lanes t = 0, 1 hold the words, t = 2, 3 their complements.
            PtxRegister isUpper = ptx.Op("setp.ge.s32", block.InGroup, 2);
            _complement = ptx.Op("selp.b32", -1, 0, isUpper);
        }

        PtxRegister[] rows = QueryWords(ptx, block, _layout, queryWords, wordBytes, 0).Select(static words => words[0]).ToArray();
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

    public override PtxRegister KeyAddress(PtxRegister buffer) => _ptx.Op("add.s32", buffer, _laneOffset);

    public override PtxRegister[] Keys(PtxRegister keyAddress, int tile)
    {
        PtxRegister word = _ptx.Load("shared", "b32", keyAddress, tile * 8 * _layout.TokenBytes);
        return _layout.IsWide ? [word, _ptx.Op("not.b32", word)] : [_ptx.Op("xor.b32", word, _complement)];
    }

    public override PtxRegister[] Scores(int rowTile, PtxRegister[] keys)
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
