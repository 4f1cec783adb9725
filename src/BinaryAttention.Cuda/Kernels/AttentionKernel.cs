// One-bit attention, Tiled: four warps of 16 or 32 query rows each, 64 keys a step.
//   pass 1: row maximum of the scores;  pass 2: numerators by lookup, times the 8-bit values;  then the float32 epilogue.
// In table mode nothing depends on the order of tiles or on the block's size: all sums are integers. Every branch is taken by whole warps.
//   grid (query rows / rows per block, heads, batch)
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class AttentionKernel
{
    public static PtxModule Emit(AttentionVariant variant)
    {
        var ptx = new PtxEmitter(variant.Name);
        PtxRegister queryWords = ptx.GlobalPointer();
        PtxRegister keyWords = ptx.GlobalPointer();
        PtxRegister levels = ptx.GlobalPointer();
        PtxRegister scales = ptx.GlobalPointer();
        PtxRegister means = ptx.GlobalPointer();
        PtxRegister tablesOrFactors = ptx.GlobalPointer();
        PtxRegister queryFlags = ptx.GlobalPointer();
        PtxRegister keyFlags = ptx.GlobalPointer();
        PtxRegister keyTerms = variant.HasKeyTerms ? ptx.GlobalPointer() : default;
        PtxRegister slopes = variant.WantsLogSumExp && !variant.IsLogMode ? ptx.GlobalPointer() : default;
        PtxRegister logSumExp = variant.WantsLogSumExp ? ptx.GlobalPointer() : default;
        var queries = new KeyCount(ptx, variant.HasQueryLengths);
        PtxRegister heads = ptx.Parameter("u32");
        PtxRegister headsPerKeyHead = ptx.Parameter("u32");
        PtxRegister keyHeadWords = ptx.Parameter("u64");
        PtxRegister keyHeadLevels = ptx.Parameter("u64");
        var keys = new KeyCount(ptx, variant.HasKeyLengths);
        var destination = new TokenTarget(ptx, variant.OutputType, convertsBFloat16: variant.Form != SignProductForm.XorPopcount);
        TokenSource? strided = variant.Bias is CudaBiasKind.PerKey or CudaBiasKind.Dense ? new TokenSource(ptx, CudaElement.Float32) : null;
        PtxRegister shared = ptx.DynamicShared();

        var block = new AttentionBlock(ptx, variant, queries, keys, heads, headsPerKeyHead);
        var products = SignProducts.Create(ptx, variant, block, queryWords);
        PairBias? bias = variant.Bias switch
        {
            CudaBiasKind.None => null,
            CudaBiasKind.RelativePosition => new RelativePairBias(ptx, block, variant.HasClassToken),
            _ => new StridedPairBias(ptx, block, strided!, keys.Keys),
        };
        ScoreRule rule = variant.IsLogMode
            ? new LogRule(ptx, variant, block, tablesOrFactors, bias)
            : new TableRule(ptx, variant, block, new NumeratorLookup(ptx, variant, block, tablesOrFactors, ptx.Op("add.s32", shared, variant.Stages * variant.StageBytes)), slopes);
        PtxRegister keyHead = ptx.Op("cvt.u64.u32", block.KeyHeadIndex);
        keyWords = ptx.Op("add.s64", keyWords, ptx.Op("mul.lo.s64", keyHead, keyHeadWords));
        levels = ptx.Op("add.s64", levels, ptx.Op("mul.lo.s64", keyHead, keyHeadLevels));
        if (variant.HasKeyTerms)
        {
            keyTerms = ptx.Op("add.s64", keyTerms, ptx.Op("mul.lo.s64", keyHead, ptx.Parameter("u64")));
        }

        WideSums? wide = variant.ChunkTiles != 0 ? new WideSums(ptx, variant, block) : null;
        var list = new TileList(ptx, variant, block);
        var mask = new TileMask(ptx, variant, block);
        var pipeline = new TilePipeline(ptx, variant, shared);

        ptx.Comment("pass 1: row maxima");
        new MaximumPass(ptx, variant, block, list, mask, products, rule).Emit(pipeline, keyWords, keyTerms);

        ptx.Comment("pass 2: numerators times values");
        var weighting = new WeightingPass(ptx, variant, block, list, mask, products, rule, wide);
        weighting.Emit(pipeline, keyWords, levels, keyTerms);

        ptx.Comment("epilogue");
        new OutputEpilogue(ptx, variant, block, rule)
        {
            Destination = destination,
            Scales = scales,
            Means = means,
            QueryFlags = queryFlags,
            KeyFlags = keyFlags,
            LogSumExp = logSumExp,
        }.Emit(weighting);
        ptx.Return();
        return new PtxModule(ptx.ToText(AttentionVariant.Threads), variant.Name, AttentionVariant.Threads, 0, variant.SharedBytes);
    }
}
