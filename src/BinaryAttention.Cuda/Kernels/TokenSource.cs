// One strided operand in global memory as a kernel reads it: parameters, addresses, conversion to float32.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class TokenSource
{
    private readonly PtxEmitter _ptx;
    private readonly PtxRegister _pointer;
    private readonly PtxRegister _batchStride;
    private readonly PtxRegister _headStride;
    private readonly PtxRegister _tokenStride;

    /// <summary>Declares the pointer and the three strides (in elements).</summary>
    public TokenSource(PtxEmitter ptx, CudaElement type)
    {
        _ptx = ptx;
        Type = type;
        _pointer = ptx.GlobalPointer();
        _batchStride = ptx.Parameter("u64");
        _headStride = ptx.Parameter("u64");
        _tokenStride = ptx.Parameter("u64");
    }

    public CudaElement Type { get; }

    public int ElementBytes => BytesOf(Type);

    public static int BytesOf(CudaElement type) => type == CudaElement.Float32 ? 4 : 2;

    public static IEnumerable<KernelArgument> Arguments(ulong pointer, OperandStrides strides) =>
        [KernelArgument.U64(pointer), KernelArgument.U64((ulong)strides.Batch), KernelArgument.U64((ulong)strides.Head), KernelArgument.U64((ulong)strides.Token)];

    /// <summary>Address of channel 0 of token 0 of a head.</summary>
    public PtxRegister Head(PtxRegister batch, PtxRegister head)
    {
        PtxRegister elements = _ptx.Op("add.s64", Elements(batch, _batchStride), Elements(head, _headStride));
        return _ptx.Op("add.s64", _pointer, Bytes(elements));
    }

    /// <summary>Address of a channel of a token.</summary>
    public PtxRegister Token(PtxRegister headAddress, PtxRegister token, PtxRegister channel)
    {
        PtxRegister elements = _ptx.Op("add.s64", Elements(token, _tokenStride), _ptx.Op("cvt.u64.u32", channel));
        return _ptx.Op("add.s64", headAddress, Bytes(elements));
    }

    /// <summary>Bytes from a token to another.</summary>
    public PtxRegister TokenBytes() => Bytes(_tokenStride);

    /// <summary>Loads one element as float32 into a register, which keeps its value where the predicate is false.</summary>
    public void LoadInto(PtxRegister result, PtxRegister address, int offset, PtxRegister predicate)
    {
        switch (Type)
        {
            case CudaElement.Float32:
                _ptx.When(predicate, () => _ptx.LoadInto([result], "global.nc", "f32", address, offset));
                break;
            case CudaElement.Float16:
                _ptx.When(predicate, () => _ptx.Into(result, "cvt.f32.f16", _ptx.Load("global.nc", "b16", address, offset)));
                break;
            case CudaElement.BFloat16:
                _ptx.When(predicate, () => _ptx.Into(result, "mov.b32:float", _ptx.Op("shl.b32", _ptx.Load("global.nc", "u16", address, offset), 16)));
                break;
            default:
                throw new InvalidOperationException($"Element type {Type} has no load.");
        }
    }

    private PtxRegister Elements(PtxRegister index, PtxRegister stride) => _ptx.Op("mul.lo.s64", _ptx.Op("cvt.u64.u32", index), stride);

    private PtxRegister Bytes(PtxRegister elements) => _ptx.Op("shl.b64", elements, Type == CudaElement.Float32 ? 2 : 1);
}
