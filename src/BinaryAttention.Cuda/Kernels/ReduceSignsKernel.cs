// The weight of a head and whether it is finite: the sum over its valid tokens' sums, in token order and in double, as the CPU adds them. The additions form one chain, so one warp serves
// a head: it loads 32 sums at a time and every lane adds all of them in order.
//   grid (heads, batch), 32 threads.  Writes weights [batch, heads] float32 and flags [batch, heads] (1: a NaN or infinity among the valid tokens).
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class ReduceSignsKernel
{
    private const int Lanes = 32;

    public static PtxModule Emit(int dimension, bool hasHeadWeight, bool hasLengths)
    {
        string name = KernelNames.Of("reduce_signs", $"d{dimension}", hasHeadWeight ? "mean" : "one", hasLengths ? "lengths" : string.Empty);
        var ptx = new PtxEmitter(name);
        PtxRegister sums = ptx.GlobalPointer();
        var count = new KeyCount(ptx, hasLengths);
        PtxRegister heads = ptx.Parameter("u32");
        PtxRegister weightsOut = ptx.GlobalPointer();
        PtxRegister flagsOut = ptx.GlobalPointer();

        PtxRegister lane = ptx.Special("%tid.x");
        PtxRegister batch = ptx.Special("%ctaid.y");
        PtxRegister headIndex = ptx.Op("mad.lo.s32", batch, heads, ptx.Special("%ctaid.x"));
        PtxRegister valid = count.Valid(batch);
        PtxRegister row = ptx.Op("add.s64", ptx.Op("mul.wide.u32", headIndex, count.Keys), ptx.Op("cvt.u64.u32", lane));
        PtxRegister address = ptx.Op("add.s64", sums, ptx.Op("shl.b64", row, 3));

        PtxRegister total = ptx.Op("mov.f64", 0.0);
        PtxRegister token = ptx.Op("mov.b32", lane);
        PtxRegister first = ptx.Op("mov.b32", 0);
        PtxRegister next = ptx.Op("mov.f64", 0.0);
        Load(ptx, next, token, valid, address);
        PtxLabel loop = ptx.Label("tokens");
        PtxLabel done = ptx.Label("done");
        ptx.Place(loop);
        ptx.Branch(done, ptx.Op("setp.ge.s32", first, valid));
        PtxRegister current = ptx.Op("mov.f64", next);
        ptx.Into(token, "add.s32", token, Lanes);
        ptx.Into(address, "add.s64", address, Lanes * 8);
        ptx.Into(next, "mov.f64", 0.0);
        Load(ptx, next, token, valid, address);
        for (int i = 0; i < Lanes; i++)
        {
            // Lanes beyond the last token hold 0, which changes nothing.
            ptx.Into(total, "add.rn.f64", total, ptx.Broadcast(current, i));
        }

        ptx.Into(first, "add.s32", first, Lanes);
        ptx.Branch(loop);
        ptx.Place(done);

        PtxRegister isFinite = ptx.Op("setp.lt.f64", ptx.Op("abs.f64", total), double.PositiveInfinity);
        PtxRegister flag = ptx.Op("selp.b32", 0, 1, isFinite);
        PtxRegister weight = hasHeadWeight
            ? ptx.Op("cvt.rn.f32.f64", ptx.Op("div.rn.f64", total, ptx.Op("mul.rn.f64", ptx.Op("cvt.rn.f64.u32", valid), (double)dimension)))
            : ptx.Op("mov.f32", 1f);
        PtxRegister offset = ptx.Op("mul.wide.u32", headIndex, 4);
        PtxRegister weightAddress = ptx.Op("add.s64", weightsOut, offset);
        PtxRegister flagAddress = ptx.Op("add.s64", flagsOut, offset);
        ptx.When(ptx.Op("setp.eq.s32", lane, 0), () =>
        {
            ptx.Store("global", "f32", weightAddress, 0, weight);
            ptx.Store("global", "b32", flagAddress, 0, flag);
        });
        ptx.Return();
        return new PtxModule(ptx.ToText(Lanes), name, Lanes, 0, 0);
    }

    private static void Load(PtxEmitter ptx, PtxRegister result, PtxRegister token, PtxRegister valid, PtxRegister address) =>
        ptx.When(ptx.Op("setp.lt.s32", token, valid), () => ptx.LoadInto([result], "global.nc", "f64", address));
}
