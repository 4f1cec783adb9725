// E_hamming_sdpa_*: BinaryFormer's bit-packed attention with learned weights per token, forward and backward, and its exact attention. One head; d = 64, so that the library's logit scale 1/sqrt(d) is
// the files' 1/8. Their bit is x > 0 (SignOfZero.Negative), packed with the first channel in the highest bit of a byte.
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;
using GoldenVectors.Checkers.Attention;
using AttentionApi = BinaryAttention.Attention;

namespace GoldenVectors.Checkers.LearnedWeights;

internal sealed class HammingAttentionChecker : IGoldenChecker
{
    private const int HeadDimension = 64;
    private const double Tolerance = 1e-5;

    public bool Handles(GoldenFile file) => file.Case == "hamming_sdpa";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        int batch = file.MetadataInt("batch");
        int tokens = file.MetadataInt("N");
        float[] query = file.Input("in/q").ToSingles();
        float[] key = file.Input("in/k").ToSingles();
        Signs(file, report, batch, tokens, query, key);
        int[] valueDimensions = [.. file.MetadataJson("dv").EnumerateArray().Select(size => size.GetInt32())];
        foreach (int valueDimension in valueDimensions)
        {
            string prefix = FormattableString.Invariant($"dv{valueDimension}/");
            var shape = new AttentionShape(batch, 1, tokens, tokens, HeadDimension, valueDimension) { KeyHeadCount = 1 };
            var options = new BinaryAttentionOptions
            {
                Weighting = SignWeighting.Learned(file.Input(prefix + "q_w").ToSingles(), file.Input(prefix + "k_w").ToSingles()),
                Quantization = ValueQuantization.Full,
                SignOfZero = SignOfZero.Negative,
            };
            Binary(file, report, prefix, shape, query, key, options);
        }

        string last = FormattableString.Invariant($"dv{valueDimensions[^1]}/");
        Exact(file, report, new AttentionShape(batch, 1, tokens, tokens, HeadDimension, valueDimensions[^1]) { KeyHeadCount = 1 }, query, key, last);
        return report;
    }

    private static void Signs(GoldenFile file, GoldenReport report, int batch, int tokens, float[] query, float[] key)
    {
        using PackedSigns queries = Pack(query, batch, tokens);
        using PackedSigns keys = Pack(key, batch, tokens);
        long[] queryWords = Words(queries);
        Longs(report, file, "packed/q", queryWords);
        Longs(report, file, "packed/k", Words(keys));
        report.ExactIntegers("packed/bytes_q", [.. queryWords.SelectMany(BitConverter.GetBytes).Select(part => (int)part)]);
        var distances = new int[batch * tokens * tokens];
        for (int pair = 0; pair < distances.Length; pair++)
        {
            distances[pair] = queries.HammingDistance(pair / tokens / tokens, 0, pair / tokens % tokens, keys, pair % tokens);
        }

        report.ExactIntegers("mid/hamming", distances);
    }

    private static PackedSigns Pack(float[] values, int batch, int tokens) =>
        PackedSigns.Pack(new System.Numerics.Tensors.ReadOnlyTensorSpan<float>(values, [batch, 1, tokens, HeadDimension]), signOfZero: SignOfZero.Negative);

    // The library's words with the bits of every byte reversed.
    private static long[] Words(PackedSigns signs)
    {
        var words = new long[signs.BatchSize * signs.TokenCount];
        for (int i = 0; i < words.Length; i++)
        {
            ulong word = signs.Words(i / signs.TokenCount, 0, i % signs.TokenCount)[0];
            for (int bit = 0; bit < HeadDimension; bit++)
            {
                words[i] |= (long)((word >> bit) & 1) << ((bit & ~7) + 7 - (bit & 7));
            }
        }

        return words;
    }

    private static void Longs(GoldenReport report, GoldenFile file, string name, long[] actual)
    {
        report.Begin(name, actual.Length);
        if (!file.Peek(name).Longs.AsSpan().SequenceEqual(actual))
        {
            report.Fail(name, "the packed bits differ");
        }
    }

    private static void Binary(GoldenFile file, GoldenReport report, string prefix, AttentionShape shape, float[] query, float[] key, BinaryAttentionOptions options)
    {
        float[] value = file.Input(prefix + "v").ToSingles();
        float[] upstream = file.Input(prefix + "grad_out").ToSingles();
        ReferenceGradients reference = ReferenceBinaryAttentionBackward.Run(ReferenceInputs.Create(SpecificationBuilder.Build(shape, options, isBinary: true), query, key, value), upstream);
        report.RelativeToMaximum(prefix + "grad/v", reference.Value, Tolerance);
        report.RelativeToMaximum(prefix + "grad/q_w", reference.RowWeights, Tolerance);
        report.RelativeToMaximum(prefix + "grad/k_w", reference.ColumnWeights, Tolerance);
        foreach (string kernel in AttentionComparison.Kernels)
        {
            var output = new float[upstream.Length];
            AttentionApi.BinaryScaledDotProduct(query, key, value, output, shape, options with { Kernel = TestKit.Attention.KernelPreference.NameOrBest(kernel, shape, options) });
            report.RelativeToMaximum(prefix + "out", output, Tolerance);
        }

        foreach (string kernel in AttentionComparison.BackwardKernels)
        {
            BinaryAttentionOptions forced = options with { Kernel = kernel };
            var logSumExp = new float[shape.BatchSize * shape.QueryLength];
            AttentionApi.BinaryScaledDotProduct(query, key, value, new float[upstream.Length], shape, forced, logSumExp);
            var (queryGradient, keyGradient, valueGradient) = (new float[query.Length], new float[key.Length], new float[value.Length]);
            var (rowWeights, columnWeights) = (new float[logSumExp.Length], new float[logSumExp.Length]);
            AttentionApi.BinaryScaledDotProductBackward(
                query, key, value, logSumExp, upstream, queryGradient, keyGradient, valueGradient, shape, forced, new AttentionOptionGradients { RowWeights = rowWeights, ColumnWeights = columnWeights });
            report.RelativeToMaximum(prefix + "grad/v", valueGradient, Tolerance);
            report.RelativeToMaximum(prefix + "grad/q_w", rowWeights, Tolerance);
            report.RelativeToMaximum(prefix + "grad/k_w", columnWeights, Tolerance);
            if (queryGradient.AsSpan().ContainsAnyExcept(0f) || keyGradient.AsSpan().ContainsAnyExcept(0f))
            {
                report.Fail(prefix + "grad/q_w", $"kernel {kernel} gives queries or keys a gradient; learned weights give them none");
            }
        }
    }

    // Exact attention on halved queries and keys, with the values of the last one-bit call.
    private static void Exact(GoldenFile file, GoldenReport report, AttentionShape shape, float[] query, float[] key, string prefix)
    {
        float[] halfQuery = Array.ConvertAll(query, static x => x / 2);
        float[] halfKey = Array.ConvertAll(key, static x => x / 2);
        float[] value = file.Input(prefix + "v").ToSingles();
        float[] upstream = file.Input(prefix + "grad_out").ToSingles();
        foreach (string kernel in AttentionComparison.BackwardKernels)
        {
            var options = new AttentionOptions { Kernel = kernel };
            var output = new float[upstream.Length];
            var logSumExp = new float[shape.BatchSize * shape.QueryLength];
            AttentionApi.ScaledDotProduct(halfQuery, halfKey, value, output, shape, options, logSumExp);
            report.RelativeToMaximum("float_sdpa/out", output, Tolerance);
            var (queryGradient, keyGradient, valueGradient) = (new float[query.Length], new float[key.Length], new float[value.Length]);
            AttentionApi.ScaledDotProductBackward(halfQuery, halfKey, value, logSumExp, upstream, queryGradient, keyGradient, valueGradient, shape, options);
            report.RelativeToMaximum("float_sdpa/grad/q", queryGradient, Tolerance);
            report.RelativeToMaximum("float_sdpa/grad/k", keyGradient, Tolerance);
            report.RelativeToMaximum("float_sdpa/grad/v", valueGradient, Tolerance);
        }
    }
}
