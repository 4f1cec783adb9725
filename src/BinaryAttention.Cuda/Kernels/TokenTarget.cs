// The destination in global memory: addresses and the conversion from float32.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

/// <param name="ptx">Receives the instructions.</param>
/// <param name="type">The operand's type.</param>
/// <param name="convertsBFloat16">Whether the device rounds to bfloat16; else integers do (sm_75).</param>
internal sealed class TokenTarget(PtxEmitter ptx, CudaElement type, bool convertsBFloat16)
{
    private readonly TokenSource _operand = new(ptx, type);

    public PtxRegister Head(PtxRegister batch, PtxRegister head) => _operand.Head(batch, head);

    public PtxRegister Token(PtxRegister headAddress, PtxRegister token, PtxRegister channel) => _operand.Token(headAddress, token, channel);

    /// <summary>Stores one channel, an element at a time: strides and addresses need no more than an element's alignment.</summary>
    public void Store(PtxRegister token, int channel, PtxRegister value, PtxRegister predicate)
    {
        int offset = channel * _operand.ElementBytes;
        switch (type)
        {
            case CudaElement.Float32:
                ptx.When(predicate, () => ptx.Store("global", "f32", token, offset, value));
                break;
            case CudaElement.Float16:
                PtxRegister half = ptx.Op("cvt.rn.f16.f32", value);
                ptx.When(predicate, () => ptx.Store("global", "b16", token, offset, half));
                break;
            case CudaElement.BFloat16 when !convertsBFloat16:
                PtxRegister rounded = RoundToBFloat16(value);
                ptx.When(predicate, () => ptx.Store("global", "u16", token, offset, rounded));
                break;
            case CudaElement.BFloat16:
                PtxRegister bfloat = ptx.Op("cvt.rn.bf16.f32", value);
                ptx.When(predicate, () => ptx.Store("global", "b16", token, offset, bfloat));
                break;
            default:
                throw new InvalidOperationException($"Element type {type} has no store.");
        }
    }

    // The upper half, rounded to nearest, ties to even; a NaN becomes the canonical one.
    private PtxRegister RoundToBFloat16(PtxRegister value)
    {
        PtxRegister bits = ptx.Op("mov.b32:bits", value);
        PtxRegister isNaN = ptx.Op("setp.gt.s32", ptx.Op("and.b32", bits, 0x7FFFFFFF), 0x7F800000);
        PtxRegister isOdd = ptx.Op("and.b32", ptx.Op("shr.u32", bits, 16), 1);
        PtxRegister rounded = ptx.Op("add.s32", ptx.Op("add.s32", bits, 0x7FFF), isOdd);
        return ptx.Op("selp.b32", 0x7FFF, ptx.Op("shr.u32", rounded, 16), isNaN);
    }
}
