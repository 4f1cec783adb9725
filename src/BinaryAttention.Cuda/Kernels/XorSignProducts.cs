// One-bit xor-popcount, 8 x 8 x 128, which any head dimension up to 128 fits. Query signs are packed complemented: popcount(~q xor k) over the channels counts equal signs.
// Bits beyond the head dimension are 0 in both, so that they never count; up to 64 channels the lanes t = 2, 3 hold 0.
// Fragments (PTX ISA, "Matrix Fragments for mma.m8n8k128"): A row g, bits 32 t .. 32 t + 31; B column g, the same bits; sums c0, c1 at row g, columns 2 t and 2 t + 1.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class XorSignProducts : SignProducts
{
    private readonly PtxEmitter _ptx;
    private readonly TileLayout _layout;
    private readonly PtxRegister[] _queries;
    private readonly PtxRegister[] _zeros;
    private readonly PtxRegister _keep;
    private readonly PtxRegister _laneOffset;

    /// <summary>Loads the warp's query fragments.</summary>
    public XorSignProducts(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, PtxRegister queryWords)
    {
        _ptx = ptx;
        _layout = variant.Layout;
        PtxRegister zero = ptx.Op("mov.b32", 0);
        _zeros = [zero, zero];
        PtxRegister word = _layout.IsWide ? block.InGroup : ptx.Op("and.b32", block.InGroup, 1);
        PtxRegister wordBytes = ptx.Op("shl.b32", word, 2);
        _laneOffset = ptx.Op("mad.lo.s32", block.Group, _layout.TokenBytes, wordBytes);
        _queries = QueryWords(ptx, block, _layout, queryWords, wordBytes, 0).Select(static words => words[0]).ToArray();
        if (!_layout.IsWide)
        {
            PtxRegister isLower = ptx.Op("setp.lt.s32", block.InGroup, 2);
            _keep = ptx.Op("selp.b32", -1, 0, isLower);
            _queries = Array.ConvertAll(_queries, query => ptx.Op("and.b32", query, _keep));
        }
    }

    public override PtxRegister KeyAddress(PtxRegister buffer) => _ptx.Op("add.s32", buffer, _laneOffset);

    public override PtxRegister[] Keys(PtxRegister keyAddress, int tile)
    {
        PtxRegister word = _ptx.Load("shared", "b32", keyAddress, tile * 8 * _layout.TokenBytes);
        return [_layout.IsWide ? word : _ptx.Op("and.b32", word, _keep)];
    }

    public override PtxRegister[] Scores(int rowTile, PtxRegister[] keys)
    {
        PtxRegister[] sums = _ptx.New(PtxClass.B32, 4);
        for (int half = 0; half < 2; half++)
        {
            _ptx.MultiplyBitsXor(sums.AsSpan(2 * half, 2), _queries[(2 * rowTile) + half], keys[0], _zeros);
        }

        return sums;
    }
}
