// One float32 weight per token for log mode: the token's mean magnitude or its head's weight, times a factor (the logit scale for rows, 1 for columns). Tokens beyond the operand get 0.
//   grid (padded tokens / 128, heads over all batch items), 128 threads.  Writes weights [heads, padded tokens].
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class LogWeightsKernel
{
    private const int Threads = 128;

    public static PtxModule Emit(int dimension, bool isPerToken)
    {
        string name = KernelNames.Of("log_weights", $"d{dimension}", isPerToken ? "tokens" : "heads");
        var ptx = new PtxEmitter(name);
        PtxRegister weights = ptx.GlobalPointer();
        PtxRegister tokens = ptx.Parameter("u32");
        PtxRegister paddedTokens = ptx.Parameter("u32");
        PtxRegister factor = ptx.Parameter("f32");
        PtxRegister weightsOut = ptx.GlobalPointer();

        PtxRegister head = ptx.Special("%ctaid.y");
        PtxRegister token = ptx.Op("mad.lo.s32", ptx.Special("%ctaid.x"), Threads, ptx.Special("%tid.x"));
        PtxRegister isToken = ptx.Op("setp.lt.u32", token, tokens);
        PtxRegister isPadded = ptx.Op("setp.lt.u32", token, paddedTokens);
        PtxRegister weight = ptx.Op("mov.f32", 0f);
        if (isPerToken)
        {
            PtxRegister sum = ptx.Op("mov.f64", 0.0);
            PtxRegister index = ptx.Op("add.s64", ptx.Op("mul.wide.u32", head, tokens), ptx.Op("cvt.u64.u32", token));
            PtxRegister address = ptx.Op("add.s64", weights, ptx.Op("shl.b64", index, 3));
            ptx.When(isToken, () => ptx.LoadInto([sum], "global.nc", "f64", address));
            ptx.Into(weight, "cvt.rn.f32.f64", ptx.Op("div.rn.f64", sum, (double)dimension));
        }
        else
        {
            PtxRegister address = ptx.Op("add.s64", weights, ptx.Op("mul.wide.u32", head, 4));
            ptx.When(isToken, () => ptx.LoadInto([weight], "global.nc", "f32", address));
        }

        PtxRegister scaled = ptx.Op("mul.rn.f32", weight, factor);
        PtxRegister target = ptx.Op("add.s64", ptx.Op("mul.wide.u32", head, paddedTokens), ptx.Op("cvt.u64.u32", token));
        PtxRegister targetAddress = ptx.Op("add.s64", weightsOut, ptx.Op("shl.b64", target, 2));
        ptx.When(isPadded, () => ptx.Store("global", "f32", targetAddress, 0, scaled));
        ptx.Return();
        return new PtxModule(ptx.ToText(Threads), name, Threads, 0, 0, 80);
    }

    public static LaunchShape Grid(long paddedTokens, long heads) => new((uint)((paddedTokens + Threads - 1) / Threads), (uint)heads, 1);
}
