// Signs as bytes +1 and -1, 0 beyond the head dimension: the product is the sign product, and a sum that starts at d gives d + signDot = 2 (d - hammingDistance), twice the agreements.
// Fragments (PTX ISA, "Matrix Fragments for mma.m16n8k32"): A register r: row g + 8 (r mod 2), channels 4 t + 16 (r / 2) ..; B register r: column g, channels 4 t + 16 r ...
// Keys come by matrix load: matrix m holds 16 channels of eight keys, lane l gives the address of key l mod 8, chunk l / 8, where the swizzle put it.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class ByteSignProducts : SignProducts
{
    private const int ChannelsPerProduct = 32;
    private readonly PtxEmitter _ptx;
    private readonly TileLayout _layout;
    private readonly int _products;

    // [row tile][product][a0 .. a3].
    private readonly PtxRegister[][][] _queries;
    private readonly PtxRegister[] _start;
    private readonly PtxRegister _laneOffset;
    private readonly PtxRegister _toUpperChunks;
    private PtxRegister _upperChunks;

    /// <summary>Loads the warp's query fragments.</summary>
    public ByteSignProducts(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, PtxRegister querySigns)
    {
        _ptx = ptx;
        _layout = variant.Layout;
        _products = (_layout.HeadDimension + ChannelsPerProduct - 1) / ChannelsPerProduct;
        PtxRegister start = ptx.Op("mov.b32", _layout.HeadDimension);
        _start = [start, start, start, start];
        int[] offsets = Enumerable.Range(0, 2 * _products).Select(static half => 16 * half).ToArray();
        PtxRegister[][] rows = QueryWords(ptx, block, _layout, querySigns, ptx.Op("shl.b32", block.InGroup, 2), offsets);
        _queries = Enumerable.Range(0, variant.RowTiles)
            .Select(tile => Enumerable.Range(0, _products).Select(product => new[] { rows[2 * tile][2 * product], rows[(2 * tile) + 1][2 * product], rows[2 * tile][(2 * product) + 1], rows[(2 * tile) + 1][(2 * product) + 1] }).ToArray())
            .ToArray();

        PtxRegister key = ptx.Op("and.b32", block.Lane, 7);
        PtxRegister row = ptx.Op("shl.b32", key, int.Log2(_layout.TokenBytes));
        PtxRegister chunk = ptx.Op("xor.b32", ptx.Op("shr.u32", block.Lane, 3), _layout.IsWide ? key : ptx.Op("shr.u32", key, 1));
        _laneOffset = ptx.Op("mad.lo.s32", chunk, 16, row);
        if (_products > 2)
        {
            // Chunks 4 .. 7: the chunk's number with bit 2 flipped, four chunks up or down.
            PtxRegister isDown = ptx.Op("setp.ge.s32", chunk, 4);
            _toUpperChunks = ptx.Op("selp.b32", -64, 64, isDown);
        }
    }

    public override PtxRegister KeyAddress(PtxRegister buffer) => _ptx.Op("add.s32", buffer, _laneOffset);

    public override PtxRegister[] Keys(PtxRegister keyAddress, int tile)
    {
        PtxRegister[] keys = _ptx.New(PtxClass.B32, 4);
        int offset = tile * 8 * _layout.TokenBytes;
        _ptx.LoadMatrices(keys, keyAddress, offset);
        if (_products <= 2)
        {
            DiscardOdd(keys);
            return keys;
        }

        if (tile == 0)
        {
            _upperChunks = _ptx.Op("add.s32", keyAddress, _toUpperChunks);
        }

        PtxRegister[] upper = _ptx.New(PtxClass.B32, 4);
        _ptx.LoadMatrices(upper, _upperChunks, offset);
        DiscardOdd(upper);
        return [.. keys, .. upper];
    }

    public override PtxRegister[] Scores(int rowTile, PtxRegister[] keys)
    {
        PtxRegister[] sums = _ptx.New(PtxClass.B32, 4);
        for (int product = 0; product < _products; product++)
        {
            _ptx.MultiplySignedBytes(sums, _queries[rowTile][product], keys.AsSpan(2 * product, 2), product == 0 ? _start : sums);
        }

        return sums;
    }

    // A matrix load brings two products' channels; the last of an odd number needs half of it.
    private void DiscardOdd(PtxRegister[] loaded)
    {
        if (_products % 2 != 0)
        {
            _ptx.Discard(loaded.AsSpan(2));
        }
    }
}
