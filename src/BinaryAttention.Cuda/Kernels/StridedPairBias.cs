// A dense or per-key bias where it lies: rows of float32 per pair or shared by all rows (a row stride of 0).
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class StridedPairBias : PairBias
{
    private readonly PtxEmitter _ptx;
    private readonly PtxRegister _keys;
    private readonly PtxRegister[] _rows;
    private PtxRegister[] _addresses = [];
    private PtxRegister _laneKey;

    /// <summary>Finds the lane's rows.</summary>
    /// <param name="ptx">Receives the instructions.</param>
    /// <param name="block">Rows of the lane.</param>
    /// <param name="bias">The operand.</param>
    /// <param name="keys">Keys of a row.</param>
    public StridedPairBias(PtxEmitter ptx, AttentionBlock block, TokenSource bias, PtxRegister keys)
    {
        (_ptx, _keys) = (ptx, keys);
        PtxRegister head = bias.Head(block.Batch, block.Head);
        PtxRegister zero = ptx.Op("mov.b32", 0);
        _rows = block.Rows.Select(row => bias.Token(head, ptx.Op("min.s32", row, block.LastRow), zero)).ToArray();
    }

    public override void BeginTile(PtxRegister laneKey)
    {
        _laneKey = laneKey;
        _addresses = _rows.Select(row => _ptx.Op("add.s64", row, _ptx.Op("mul.wide.s32", laneKey, 4))).ToArray();
    }

    public override PtxRegister Value(int row, int tile, int element, PtxRegister keyPart, bool areKeysThere)
    {
        int key = TileLayout.KeyOffset(tile, element);
        if (areKeysThere)
        {
            return _ptx.Load("global.nc", "f32", _addresses[row], key * 4);
        }

        PtxRegister bias = _ptx.Op("mov.f32", 0f);
        PtxRegister isKey = _ptx.Op("setp.lt.s32", _ptx.Op("add.s32", _laneKey, key), _keys);
        _ptx.When(isKey, () => _ptx.LoadInto([bias], "global.nc", "f32", _addresses[row], key * 4));
        return bias;
    }
}
