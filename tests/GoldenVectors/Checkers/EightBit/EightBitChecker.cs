// G_eight_bit_*: 8-bit attention in double precision, made without the library: levels and scales exactly, outputs of every kernel by tolerance. A numerator next to a half may be rounded either way in
// float32, which moves a tiled output by at most one level of one value: 2 / 255 of the largest in a row whose sum is at least 1.
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;
using GoldenVectors.Checkers.Attention;
using TestKit.Attention;
using AttentionApi = BinaryAttention.Attention;

namespace GoldenVectors.Checkers.EightBit;

internal sealed class EightBitChecker : IGoldenChecker
{
    private const double Tolerance = 1e-5;
    private const double TiledTolerance = 1e-3;

    public bool Handles(GoldenFile file) => file.Case == "eight_bit";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        GoldenTensor query = file.Input("in/q"), key = file.Input("in/k"), value = file.Input("in/v");
        var shape = new AttentionShape(query.Shape[0], query.Shape[1], query.Shape[2], key.Shape[2], query.Shape[3], value.Shape[3]) { KeyHeadCount = key.Shape[1] };
        var options = new EightBitAttentionOptions { Mask = file.MetadataInt("causal") == 1 ? AttentionMask.Causal : null };
        (float[] q, float[] k, float[] v) = (query.ToSingles(), key.ToSingles(), value.ToSingles());
        Levels(report, shape, ReferenceInputs.Create(SpecificationBuilder.BuildEightBit(shape, options), q, k, v));
        foreach (string kernel in AttentionComparison.Kernels)
        {
            foreach (ValueQuantization quantization in (ValueQuantization[])[ValueQuantization.Full, ValueQuantization.Tiled])
            {
                EightBitAttentionOptions asked = options with { Quantization = quantization };
                asked = asked with { Kernel = KernelPreference.NameOrBest(kernel, shape, asked) };
                var output = new float[q.Length / shape.HeadDimension * shape.ValueDimension];
                var logSumExp = new float[q.Length / shape.HeadDimension];
                AttentionApi.EightBitScaledDotProduct(q, k, v, output, shape, asked, logSumExp);
                report.RelativeToMaximum("logsumexp", logSumExp, Tolerance);
                report.RelativeToMaximum(quantization == ValueQuantization.Full ? "full/out" : "tiled/out", output, quantization == ValueQuantization.Full ? Tolerance : TiledTolerance);
            }
        }

        return report;
    }

    private static void Levels(GoldenReport report, in AttentionShape shape, ReferenceInputs inputs)
    {
        ReferenceEightBitHead[] heads = [.. Enumerable.Range(0, shape.BatchSize * shape.HeadCount).Select(head => new ReferenceEightBitHead(inputs, head / inputs.Specification.Shape.HeadCount, head % inputs.Specification.Shape.HeadCount))];
        int shared = shape.HeadCount / shape.KeyHeadCount;
        ReferenceEightBitHead[] keyHeads = [.. heads.Where((_, index) => index % shared == 0)];
        report.ExactIntegers("mid/q_levels", [.. heads.SelectMany(static head => head.QueryLevels.SelectMany(static token => token))]);
        report.ExactIntegers("mid/k_levels", [.. keyHeads.SelectMany(static head => head.KeyLevels.SelectMany(static token => token))]);
        report.Ulps("mid/q_scales", [.. heads.SelectMany(static head => head.QueryScales)], 0);
        report.Ulps("mid/k_scales", [.. keyHeads.SelectMany(static head => head.KeyScales)], 0);
    }
}
