// One term per token for log mode: the token's mean magnitude, its learned weight or its head's weight, times a factor (the logit scale for rows, 1 for columns). Tokens beyond the operand
// get 0. With a relative-position bias a key's term has a second half, its part of the table's index (RelativePairBias).
//   grid (padded tokens / 128, heads, batch), 128 threads.  Writes terms [batch, heads, padded tokens] of 4 or 8 bytes.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class LogWeightsKernel
{
    private const int Threads = 128;

    /// <param name="dimension">Channels.</param>
    /// <param name="mode">Where a token's weight comes from: sums in double per token, given float32 per token, else float32 per head.</param>
    /// <param name="hasGrid">Whether terms have a second half.</param>
    /// <param name="hasClassToken">Whether token 0 stands outside the grid.</param>
    public static PtxModule Emit(int dimension, SignWeightingMode mode, bool hasGrid, bool hasClassToken)
    {
        string source = mode switch { SignWeightingMode.MeanMagnitudePerToken => "tokens", SignWeightingMode.Learned => "learned", _ => "heads" };
        string name = KernelNames.Of("log_weights", $"d{dimension}", source, hasGrid ? "grid" : string.Empty, hasClassToken ? "class" : string.Empty);
        var ptx = new PtxEmitter(name);
        PtxRegister weights = ptx.GlobalPointer();
        PtxRegister tokens = ptx.Parameter("u32");
        PtxRegister paddedTokens = ptx.Parameter("u32");
        PtxRegister heads = ptx.Parameter("u32");
        PtxRegister factor = ptx.Parameter("f32");
        PtxRegister termsOut = ptx.GlobalPointer();
        PtxRegister gridWidth = hasGrid ? ptx.Parameter("u32") : default;

        PtxRegister head = ptx.Op("mad.lo.s32", ptx.Special("%ctaid.z"), heads, ptx.Special("%ctaid.y"));
        PtxRegister token = ptx.Op("mad.lo.s32", ptx.Special("%ctaid.x"), Threads, ptx.Special("%tid.x"));
        PtxRegister isToken = ptx.Op("setp.lt.u32", token, tokens);
        PtxRegister isPadded = ptx.Op("setp.lt.u32", token, paddedTokens);
        PtxRegister weight = ptx.Op("mov.f32", 0f);
        if (mode is SignWeightingMode.MeanMagnitudePerToken or SignWeightingMode.Learned)
        {
            PtxRegister index = ptx.Op("add.s64", ptx.Op("mul.wide.u32", head, tokens), ptx.Op("cvt.u64.u32", token));
            if (mode == SignWeightingMode.Learned)
            {
                PtxRegister given = ptx.Op("add.s64", weights, ptx.Op("shl.b64", index, 2));
                ptx.When(isToken, () => ptx.LoadInto([weight], "global.nc", "f32", given));
            }
            else
            {
                PtxRegister sum = ptx.Op("mov.f64", 0.0);
                PtxRegister address = ptx.Op("add.s64", weights, ptx.Op("shl.b64", index, 3));
                ptx.When(isToken, () => ptx.LoadInto([sum], "global.nc", "f64", address));
                ptx.Into(weight, "cvt.rn.f32.f64", ptx.Op("div.rn.f64", sum, (double)dimension));
            }
        }
        else
        {
            PtxRegister address = ptx.Op("add.s64", weights, ptx.Op("mul.wide.u32", head, 4));
            ptx.When(isToken, () => ptx.LoadInto([weight], "global.nc", "f32", address));
        }

        PtxRegister scaled = ptx.Op("mul.rn.f32", weight, factor);
        PtxRegister target = ptx.Op("add.s64", ptx.Op("mul.wide.u32", head, paddedTokens), ptx.Op("cvt.u64.u32", token));
        PtxRegister targetAddress = ptx.Op("add.s64", termsOut, ptx.Op("shl.b64", target, hasGrid ? 3 : 2));
        if (hasGrid)
        {
            PtxRegister gridToken = hasClassToken ? ptx.Op("max.s32", ptx.Op("sub.s32", token, 1), 0) : token;
            PtxRegister part = ptx.Op("selp.b32", RelativePairBias.GridPart(ptx, gridToken, gridWidth, ptx.Op("mad.lo.s32", gridWidth, 2, -1)), 0, isToken);
            PtxRegister bits = ptx.Op("mov.b32:bits", scaled);
            ptx.When(isPadded, () => ptx.Store("global", "b32", targetAddress, 0, bits, part));
        }
        else
        {
            ptx.When(isPadded, () => ptx.Store("global", "f32", targetAddress, 0, scaled));
        }

        ptx.Return();
        return new PtxModule(ptx.ToText(Threads), name, Threads, 0, 0);
    }

    public static LaunchShape Grid(long paddedTokens, int heads, int batch) => new((uint)((paddedTokens + Threads - 1) / Threads), (uint)heads, (uint)batch);
}
