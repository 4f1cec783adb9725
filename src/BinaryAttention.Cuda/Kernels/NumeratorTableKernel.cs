// Numerator tables, one thread each: Quantization/NumeratorTable in the same order of double operations, so that every entry equals the CPU's.
//   entry k = P_k | (R_k & 255) << 8,  P_k = round(255 e_k),  R_k = round(254 (255 e_k - P_k)),  e_k = first * low[k mod 8],  first = e_8^(k / 8)
//   grid (tables / 128), 128 threads.  Writes tables [tables, entries] of 16 bits and slopes [tables] in double.  One table per head, or per query row if rows have weights of their own.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class NumeratorTableKernel
{
    private const int Threads = 128;

    /// <param name="dimension">Channels.</param>
    /// <param name="rows">Weights of the rows: sums in double or given float32 make a table a row, others one a head.</param>
    public static PtxModule Emit(int dimension, SignWeightingMode rows)
    {
        bool isPerRow = rows is SignWeightingMode.MeanMagnitudePerToken or SignWeightingMode.Learned;
        string name = KernelNames.Of("numerator_tables", $"d{dimension}", rows == SignWeightingMode.Learned ? "learned" : isPerRow ? "rows" : "heads");
        var ptx = new PtxEmitter(name);
        PtxRegister tables = ptx.Parameter("u32");
        PtxRegister rowsPerHead = isPerRow ? ptx.Parameter("u32") : default;
        PtxRegister heads = ptx.Parameter("u32");
        PtxRegister keyHeads = ptx.Parameter("u32");
        PtxRegister logitScale = ptx.Parameter("f32");
        PtxRegister rowWeights = ptx.GlobalPointer();
        PtxRegister columnWeights = ptx.GlobalPointer();
        PtxRegister tablesOut = ptx.GlobalPointer();
        PtxRegister slopesOut = ptx.GlobalPointer();
        int entries = new TileLayout(dimension, 1).TableEntries;

        PtxRegister index = ptx.Op("mad.lo.s32", ptx.Special("%ctaid.x"), Threads, ptx.Special("%tid.x"));
        PtxRegister isTable = ptx.Op("setp.lt.u32", index, tables);
        PtxRegister table = ptx.Op("min.u32", index, ptx.Op("sub.s32", tables, 1));
        PtxRegister headIndex = isPerRow ? ptx.Op("div.u32", table, rowsPerHead) : table;
        PtxRegister headsPerKeyHead = ptx.Op("div.u32", heads, keyHeads);

        // (batch * heads + head) / (heads / keyHeads) = batch * keyHeads + head / (heads / keyHeads), since the quotient divides heads.
        PtxRegister keyHeadIndex = ptx.Op("div.u32", headIndex, headsPerKeyHead);
        PtxRegister rowWeight = rows == SignWeightingMode.MeanMagnitudePerToken
            ? ptx.Op("cvt.rn.f32.f64", ptx.Op("div.rn.f64", ptx.Load("global.nc", "f64", ptx.Op("add.s64", rowWeights, ptx.Op("mul.wide.u32", table, 8))), (double)dimension))
            : ptx.Load("global.nc", "f32", ptx.Op("add.s64", rowWeights, ptx.Op("mul.wide.u32", isPerRow ? table : headIndex, 4)));
        PtxRegister columnWeight = ptx.Load("global.nc", "f32", ptx.Op("add.s64", columnWeights, ptx.Op("mul.wide.u32", keyHeadIndex, 4)));
        PtxRegister product = ptx.Op("mul.rn.f64", ptx.Op("cvt.f64.f32", rowWeight), ptx.Op("cvt.f64.f32", columnWeight));
        PtxRegister slope = ptx.Op("abs.f64", ptx.Op("mul.rn.f64", product, ptx.Op("cvt.f64.f32", logitScale)));
        PtxRegister slopeAddress = ptx.Op("add.s64", slopesOut, ptx.Op("mul.wide.u32", table, 8));
        ptx.When(isTable, () => ptx.Store("global", "f64", slopeAddress, 0, slope));

        PtxRegister second = DoubleMath.Exp(ptx, ptx.Op("mul.rn.f64", slope, -2.0));
        var low = new PtxRegister[8];
        low[0] = ptx.Op("mov.f64", 1.0);
        for (int lane = 1; lane < low.Length; lane++)
        {
            low[lane] = ptx.Op("mul.rn.f64", low[lane - 1], second);
        }

        PtxRegister squared = ptx.Op("mul.rn.f64", second, second);
        PtxRegister fourth = ptx.Op("mul.rn.f64", squared, squared);
        PtxRegister step = ptx.Op("mul.rn.f64", fourth, fourth);
        PtxRegister first = ptx.Op("mov.f64", 1.0);
        PtxRegister address = ptx.Op("add.s64", tablesOut, ptx.Op("mul.wide.u32", table, entries * 2));
        PtxRegister groups = ptx.Op("mov.b32", entries / 8);
        PtxLabel loop = ptx.Label("groups");
        ptx.Place(loop);
        var words = new PtxRegister[4];
        for (int word = 0; word < words.Length; word++)
        {
            PtxRegister even = Entry(ptx, low[2 * word], first);
            PtxRegister odd = Entry(ptx, low[(2 * word) + 1], first);
            words[word] = ptx.Op("prmt.b32", even, odd, 0x5410);
        }

        ptx.When(isTable, () => ptx.Store("global", "b32", address, 0, words));
        ptx.Into(first, "mul.rn.f64", first, step);
        ptx.Into(address, "add.s64", address, 16);
        ptx.Into(groups, "sub.s32", groups, 1);
        ptx.Branch(loop, ptx.Op("setp.gt.s32", groups, 0));
        ptx.Return();
        return new PtxModule(ptx.ToText(Threads), name, Threads, 0, 0);
    }

    public static LaunchShape Grid(long tables) => new((uint)((tables + Threads - 1) / Threads), 1, 1);

    private static PtxRegister Entry(PtxEmitter ptx, PtxRegister low, PtxRegister first)
    {
        PtxRegister scaled = ptx.Op("mul.rn.f64", ptx.Op("mul.rn.f64", low, first), 255.0);
        PtxRegister numerator = ptx.Op("cvt.rni.f64.f64", scaled);
        PtxRegister residual = ptx.Op("cvt.rni.s32.f64", ptx.Op("mul.rn.f64", ptx.Op("sub.rn.f64", scaled, numerator), 254.0));
        return ptx.Op("prmt.b32", ptx.Op("cvt.rni.s32.f64", numerator), residual, 0x0040);
    }
}
