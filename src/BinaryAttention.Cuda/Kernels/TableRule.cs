// Table mode: numerators by lookup, all sums exact integers.
//   maximum = max score;  P, R = table[(maximum - score) / unit];  rowSum = (float)sumP + (float)sumR * (1/254);  rowMaxLogit = |slope| (2 maximum / unit - d)
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class TableRule(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, NumeratorLookup lookup, PtxRegister slopes) : ScoreRule
{
    private const int Ones = 0x01010101;
    private readonly PtxRegister[] _maxima = new PtxRegister[block.Rows.Length];
    private readonly PtxRegister[] _numeratorSums = block.Rows.Select(_ => ptx.Op("mov.b32", 0)).ToArray();
    private readonly PtxRegister[] _residualSums = block.Rows.Select(_ => ptx.Op("mov.b32", 0)).ToArray();

    public override PtxRegister StartMaximum() => ptx.Op("mov.b32", 0);

    public override void Include(PtxRegister maximum, int row, int tile, int element, PtxRegister score, PtxRegister? isAllowed)
    {
        PtxRegister candidate = isAllowed is { } allowed ? ptx.Op("selp.b32", score, 0, allowed) : score;
        ptx.Into(maximum, "max.s32", maximum, candidate);
    }

    public override void FinishMaximum(int row, PtxRegister maximum)
    {
        ptx.Into(maximum, "max.s32", maximum, ptx.ShuffleXor(maximum, 1));
        ptx.Into(maximum, "max.s32", maximum, ptx.ShuffleXor(maximum, 2));
        _maxima[row] = maximum;
        lookup.SetMaximum(row, maximum);
    }

    public override PtxRegister Numerators(int row, int tile, PtxRegister[] scores, PtxRegister[]? isAllowed)
    {
        PtxRegister[] entries = Enumerable.Range(0, 4).Select(i => lookup.Entry(row, scores[i], isAllowed?[i])).ToArray();

        // P0 P1 R0 R1 and P2 P3 R2 R3, then P0 .. P3 and R0 .. R3.
        PtxRegister low = ptx.Op("prmt.b32", entries[0], entries[1], 0x5140);
        PtxRegister high = ptx.Op("prmt.b32", entries[2], entries[3], 0x5140);
        PtxRegister numerators = ptx.Op("prmt.b32", low, high, 0x5410);
        PtxRegister residuals = ptx.Op("prmt.b32", low, high, 0x7632);
        ptx.Into(_numeratorSums[row], "dp4a.u32.u32", numerators, Ones, _numeratorSums[row]);
        ptx.Into(_residualSums[row], "dp4a.s32.s32", residuals, Ones, _residualSums[row]);
        return numerators;
    }

    public override PtxRegister RowSum(int row)
    {
        PtxRegister numerators = _numeratorSums[row];
        PtxRegister residuals = _residualSums[row];
        foreach (int lanes in (ReadOnlySpan<int>)[1, 2])
        {
            ptx.Into(numerators, "add.s32", numerators, ptx.ShuffleXor(numerators, lanes));
            ptx.Into(residuals, "add.s32", residuals, ptx.ShuffleXor(residuals, lanes));
        }

        PtxRegister scaled = ptx.Op("mul.rn.f32", ptx.Op("cvt.rn.f32.s32", residuals), 1f / 254f);
        return ptx.Op("add.rn.f32", ptx.Op("cvt.rn.f32.s32", numerators), scaled);
    }

    public override PtxRegister LogSumExp(int row, PtxRegister rowIndex, PtxRegister rowSum)
    {
        PtxRegister table = variant.HasRowTables ? ptx.Op("shl.b64", rowIndex, 3) : ptx.Op("mul.wide.u32", block.HeadIndex, 8);
        PtxRegister slope = ptx.Load("global.nc", "f64", ptx.Op("add.s64", slopes, table));
        PtxRegister signDot = ptx.Op("mad.lo.s32", _maxima[row], 2 / variant.ScoreUnit, -variant.Layout.HeadDimension);
        PtxRegister rowMaxLogit = ptx.Op("mul.rn.f64", slope, ptx.Op("cvt.rn.f64.s32", signDot));
        PtxRegister logarithm = DoubleMath.Log(ptx, ptx.Op("div.rn.f64", ptx.Op("cvt.f64.f32", rowSum), 255.0));
        return ptx.Op("add.rn.f64", rowMaxLogit, logarithm);
    }
}
