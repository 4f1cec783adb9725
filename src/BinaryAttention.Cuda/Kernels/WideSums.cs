// 64-bit sums of P times level for more keys than 32 bits hold (255 * 127 * keys < 2^31: 66,311). Every chunk of tiles ends with adding the block's 32-bit sums to the thread's own 64-bit
// numbers in the workspace, [block][sum][thread]; threads never read each other's, so no barrier is needed.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class WideSums
{
    private const int SumBytes = AttentionVariant.Threads * 8;
    private readonly PtxEmitter _ptx;
    private readonly PtxRegister _address;

    /// <summary>Declares the parameters: the sums' address and the blocks of one head.</summary>
    public WideSums(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block)
    {
        _ptx = ptx;
        PtxRegister sums = ptx.GlobalPointer();
        PtxRegister index = ptx.Op("mad.lo.s32", block.HeadIndex, ptx.Parameter("u32"), ptx.Special("%ctaid.x"));
        PtxRegister blockAddress = ptx.Op("add.s64", sums, ptx.Op("mul.wide.u32", index, BlockBytes(variant)));
        _address = ptx.Op("add.s64", blockAddress, ptx.Op("mul.wide.u32", block.Thread, 8));
    }

    /// <summary>Bytes of one block's sums.</summary>
    public static int BlockBytes(AttentionVariant variant) => variant.RowTiles * variant.Layout.PaddedChannels / 8 * 4 * SumBytes;

    /// <summary>Stores zeros.</summary>
    public void Clear(int count)
    {
        PtxRegister zero = _ptx.Op("mov.b64", 0);
        for (int sum = 0; sum < count; sum++)
        {
            _ptx.Store("global", "b64", _address, sum * SumBytes, zero);
        }
    }

    /// <summary>Adds the 32-bit sums and sets them to 0.</summary>
    public void Flush(IEnumerable<PtxRegister> sums)
    {
        foreach ((int index, PtxRegister sum) in sums.Index())
        {
            PtxRegister total = _ptx.Op("add.s64", Load(index), _ptx.Op("cvt.s64.s32", sum));
            _ptx.Store("global", "b64", _address, index * SumBytes, total);
            _ptx.Into(sum, "mov.b32", 0);
        }
    }

    /// <summary>A sum as float32, rounded once.</summary>
    public PtxRegister Single(int index) => _ptx.Op("cvt.rn.f32.s64", Load(index));

    private PtxRegister Load(int index) => _ptx.Load("global", "b64", _address, index * SumBytes);
}
