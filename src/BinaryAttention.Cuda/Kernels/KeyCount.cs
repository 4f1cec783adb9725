// The number of valid keys of a block's batch item: the kernel's parameter, or the item's entry in the lengths, clamped to it.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class KeyCount
{
    private readonly PtxEmitter _ptx;
    private readonly PtxRegister _lengths;
    private readonly bool _hasLengths;

    /// <summary>Declares the parameters: keys, then the lengths' address if there are any.</summary>
    public KeyCount(PtxEmitter ptx, bool hasLengths)
    {
        _ptx = ptx;
        _hasLengths = hasLengths;
        Keys = ptx.Parameter("u32");
        _lengths = hasLengths ? ptx.GlobalPointer() : default;
    }

    /// <summary>Keys of every batch item, padding included.</summary>
    public PtxRegister Keys { get; }

    public static IEnumerable<KernelArgument> Arguments(int keys, bool hasLengths, ulong lengths) =>
        hasLengths ? [KernelArgument.U32((uint)keys), KernelArgument.U64(lengths)] : [KernelArgument.U32((uint)keys)];

    public PtxRegister Valid(PtxRegister batch)
    {
        if (!_hasLengths)
        {
            return Keys;
        }

        PtxRegister address = _ptx.Op("add.s64", _lengths, _ptx.Op("mul.wide.u32", batch, 4));
        PtxRegister length = _ptx.Load("global.nc", "b32", address);
        return _ptx.Op("min.s32", _ptx.Op("max.s32", length, 0), Keys);
    }
}
