// The destination in global memory: addresses and the conversion from float32.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class TokenTarget(PtxEmitter ptx, CudaElement type)
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
            case CudaElement.BFloat16:
                PtxRegister bfloat = ptx.Op("cvt.rn.bf16.f32", value);
                ptx.When(predicate, () => ptx.Store("global", "b16", token, offset, bfloat));
                break;
            default:
                throw new InvalidOperationException($"Element type {type} has no store.");
        }
    }
}
