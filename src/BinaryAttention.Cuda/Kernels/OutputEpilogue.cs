// From exact integer sums to the output, in the CPU's float32 order with separate multiplications and additions:
//   out = ((float)sum * (1 / rowSum)) * scale + mean,  row sum and logSumExp from the score rule
// A row without keys gives 0 and -infinity; a head whose queries or keys are not finite gives NaN in all rows that are no padding.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class OutputEpilogue(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, ScoreRule rule)
{
    /// <summary>Where the results go and what scales them.</summary>
    public required TokenTarget Destination { get; init; }

    /// <summary>[key heads, padded channels].</summary>
    public required PtxRegister Scales { get; init; }

    /// <summary>[key heads, padded channels].</summary>
    public required PtxRegister Means { get; init; }

    /// <summary>[heads].</summary>
    public required PtxRegister QueryFlags { get; init; }

    /// <summary>[key heads].</summary>
    public required PtxRegister KeyFlags { get; init; }

    /// <summary>[heads, queryLength], if asked for.</summary>
    public required PtxRegister LogSumExp { get; init; }

    public void Emit(WeightingPass pass)
    {
        PtxRegister isBad = IsBad();
        var inverses = new PtxRegister[block.Rows.Length];
        var isEmpty = new PtxRegister[block.Rows.Length];
        var isStored = new PtxRegister[block.Rows.Length];
        PtxRegister isWriter = variant.WantsLogSumExp ? ptx.Op("setp.eq.s32", block.InGroup, 0) : default;
        for (int row = 0; row < block.Rows.Length; row++)
        {
            PtxRegister rowSum = rule.RowSum(row);
            isEmpty[row] = variant.MayHaveEmptyRows || variant.WantsLogSumExp ? ptx.Op("setp.eq.f32", rowSum, 0f) : default;
            isStored[row] = ptx.Op("setp.lt.s32", block.Rows[row], block.QueryLength);
            inverses[row] = ptx.Op("selp.f32", float.NaN, ptx.Op("rcp.rn.f32", rowSum), isBad);
            if (variant.WantsLogSumExp)
            {
                StoreLogSumExp(row, rowSum, isEmpty[row], isBad, ptx.Op("and.pred", isWriter, isStored[row]));
            }
        }

        PtxRegister channel = ptx.Op("shl.b32", block.InGroup, 1);
        PtxRegister index = ptx.Op("mul.wide.u32", ptx.Op("mad.lo.s32", block.KeyHeadIndex, variant.Layout.PaddedChannels, channel), 4);
        PtxRegister scales = ptx.Op("add.s64", Scales, index);
        PtxRegister means = ptx.Op("add.s64", Means, index);
        PtxRegister head = Destination.Head(block.Batch, block.Head);
        PtxRegister[] rows = block.Rows.Select(row => Destination.Token(head, row, channel)).ToArray();
        int octets = (variant.Layout.ValueDimension + 7) / 8;
        for (int octet = 0; octet < octets; octet++)
        {
            PtxRegister[] scale = ptx.New(PtxClass.F32, 2);
            PtxRegister[] mean = ptx.New(PtxClass.F32, 2);
            ptx.LoadInto(scale, "global.nc", "f32", scales, octet * 32);
            ptx.LoadInto(mean, "global.nc", "f32", means, octet * 32);
            for (int element = 0; element < 2; element++)
            {
                int channelsLeft = variant.Layout.ValueDimension - (8 * octet) - element;
                PtxRegister? isChannel = channelsLeft > 6 ? null : ptx.Op("setp.lt.s32", channel, channelsLeft);
                for (int row = 0; row < rows.Length; row++)
                {
                    PtxRegister sum = pass.Weighted(row / 2, octet, (2 * (row % 2)) + element);
                    PtxRegister scaled = ptx.Op("mul.rn.f32", ptx.Op("mul.rn.f32", sum, inverses[row]), scale[element]);
                    PtxRegister result = ptx.Op("add.rn.f32", scaled, mean[element]);
                    PtxRegister stored = isChannel is { } limit ? ptx.Op("and.pred", isStored[row], limit) : isStored[row];
                    Destination.Store(rows[row], (8 * octet) + element, result, stored);
                }
            }
        }

        if (variant.MayHaveEmptyRows)
        {
            ReplaceEmptyRows(rows, channel, isEmpty, isStored, isBad);
        }
    }

    // Rows without keys are few: their outputs are written once more, and warps that have none skip this.
    private void ReplaceEmptyRows(PtxRegister[] rows, PtxRegister channel, PtxRegister[] isEmpty, PtxRegister[] isStored, PtxRegister isBad)
    {
        PtxLabel done = ptx.Label("no_empty_rows");
        PtxRegister isAny = isEmpty.Aggregate((a, b) => ptx.Op("or.pred", a, b));
        ptx.Branch(done, ptx.Op("setp.eq.s32", ptx.Ballot(isAny), 0));
        PtxRegister badOrZero = ptx.Op("selp.f32", float.NaN, 0f, isBad);
        for (int row = 0; row < rows.Length; row++)
        {
            PtxRegister value = variant.HasQueryLengths ? ptx.Op("selp.f32", 0f, badOrZero, block.IsPadded[row]) : badOrZero;
            PtxRegister isReplaced = ptx.Op("and.pred", isEmpty[row], isStored[row]);
            for (int column = 0; column < variant.Layout.ValueDimension; column++)
            {
                if (column % 8 < 2)
                {
                    int channelsLeft = variant.Layout.ValueDimension - column;
                    PtxRegister stored = channelsLeft > 6 ? isReplaced : ptx.Op("and.pred", isReplaced, ptx.Op("setp.lt.s32", channel, channelsLeft));
                    Destination.Store(rows[row], column, value, stored);
                }
            }
        }

        ptx.Place(done);
    }

    private PtxRegister IsBad()
    {
        PtxRegister query = ptx.Load("global.nc", "b32", ptx.Op("add.s64", QueryFlags, ptx.Op("mul.wide.u32", block.HeadIndex, 4)));
        PtxRegister key = ptx.Load("global.nc", "b32", ptx.Op("add.s64", KeyFlags, ptx.Op("mul.wide.u32", block.KeyHeadIndex, 4)));
        return ptx.Op("setp.ne.s32", ptx.Op("or.b32", query, key), 0);
    }

    private void StoreLogSumExp(int row, PtxRegister rowSum, PtxRegister isEmpty, PtxRegister isBad, PtxRegister isStored)
    {
        PtxRegister headRow = ptx.Op("mul.wide.u32", block.HeadIndex, block.QueryLength);
        PtxRegister safeRow = ptx.Op("min.s32", block.Rows[row], block.LastRow);
        PtxRegister rowIndex = ptx.Op("add.s64", headRow, ptx.Op("cvt.u64.u32", safeRow));
        PtxRegister finite = ptx.Op("cvt.rn.f32.f64", rule.LogSumExp(row, rowIndex, rowSum));
        PtxRegister result = ptx.Op("selp.f32", float.NaN, ptx.Op("selp.f32", float.NegativeInfinity, finite, isEmpty), isBad);
        if (variant.HasQueryLengths)
        {
            result = ptx.Op("selp.f32", float.NegativeInfinity, result, block.IsPadded[row]);
        }

        PtxRegister address = ptx.Op("add.s64", LogSumExp, ptx.Op("shl.b64", rowIndex, 2));
        ptx.When(isStored, () => ptx.Store("global", "f32", address, 0, result));
    }
}
