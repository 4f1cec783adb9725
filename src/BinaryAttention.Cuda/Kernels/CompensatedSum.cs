// A float32 sum of many positive parts whose error does not grow with their number (Kahan, "Further remarks on reducing truncation errors", 1965): the part that an addition rounds away is
// taken off the next part. A plain float32 sum of a row of millions of keys drifts by percents, because every part is below half a unit of the sum.
//   y = part - lost;  t = sum + y;  lost = (t - sum) - y;  sum = t
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class CompensatedSum(PtxEmitter ptx)
{
    private readonly PtxRegister _lost = ptx.Op("mov.f32", 0f);

    /// <summary>The sum so far.</summary>
    public PtxRegister Value { get; } = ptx.Op("mov.f32", 0f);

    /// <summary>Adds a register. Each operation rounds on its own: the compiler may not fuse or reorder instructions with .rn.</summary>
    public void Add(PtxRegister part)
    {
        PtxRegister corrected = ptx.Op("sub.rn.f32", part, _lost);
        PtxRegister next = ptx.Op("add.rn.f32", Value, corrected);
        ptx.Into(_lost, "sub.rn.f32", ptx.Op("sub.rn.f32", next, Value), corrected);
        ptx.Into(Value, "mov.f32", next);
    }
}
