// B_quantizers: the element-level quantisers with their gradients. Tensors come in groups NAME/in, NAME/grad_out -> NAME/out, NAME/grad_in.
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;

namespace GoldenVectors.Checkers.Quantizers;

internal sealed class QuantizersChecker : IGoldenChecker
{
    // The mean magnitude is a float32 sum in the file and a double sum here: two roundings more, and products of it after that.
    private const double MeanTolerance = 4e-7;

    // 255 p this close to a half integer may round either way.
    private const double RoundingMargin = 1e-4;

    public bool Handles(GoldenFile file) => file.Case == "quantizers";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        foreach (string group in file.Names.Select(name => name[..name.IndexOf('/', StringComparison.Ordinal)]).Distinct(StringComparer.Ordinal).ToArray())
        {
            switch (group)
            {
                case "binarize" or "binarize_special":
                    Binarize(file, report, group);
                    break;
                case "round_ste":
                    Round(file, report, group);
                    break;
                case "quantize_qk":
                    QueryKey(file, report, group);
                    break;
                case "quantize_p":
                    Probability(file, report, group);
                    break;
                case "quantize_v" or "quantize_v_nan":
                    Symmetric(file, report, group, group, SymmetricQuantizer.Value, isPerChannel: true);
                    break;
                case "symquantize_channel_b4" or "symquantize_channel_b8" or "symquantize_layerwise_b4" or "symquantize_layerwise_b8":
                    int bits = group[^1] - '0';
                    Symmetric(file, report, group, "quantize_v", new SymmetricQuantizer(bits, -1f, 1.5f), group.Contains("channel", StringComparison.Ordinal));
                    break;
                default:
                    break; // the suite fails what nobody compares
            }
        }

        return report;
    }

    private static void Binarize(GoldenFile file, GoldenReport report, string group)
    {
        float[] x = file.Input(group + "/in").ToSingles();
        float[] upstream = file.Input(group + "/grad_out").ToSingles();
        report.Ulps(group + "/out", Array.ConvertAll(x, static value => (float)ReferenceSigns.Of(value)), 0);
        report.Ulps(group + "/grad_in", [.. x.Zip(upstream, static (value, gradient) => ReferenceSigns.PassesGradient(value) ? gradient : 0f)], 0);
    }

    private static void Round(GoldenFile file, GoldenReport report, string group)
    {
        report.Ulps(group + "/out", Array.ConvertAll(file.Input(group + "/in").ToSingles(), static value => MathF.Round(value, MidpointRounding.ToEven)), 0);
        report.Ulps(group + "/grad_in", file.Input(group + "/grad_out").ToSingles(), 0);
    }

    private static void QueryKey(GoldenFile file, GoldenReport report, string group)
    {
        GoldenTensor x = file.Input(group + "/in");
        double[] upstream = file.Input(group + "/grad_out").Values;
        var operand = new ReferenceOperand(x.ToSingles(), x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        var output = new double[x.Count];
        var gradient = new double[x.Count];
        for (int batch = 0; batch < x.Shape[0]; batch++)
        {
            for (int head = 0; head < x.Shape[1]; head++)
            {
                (float[] weights, _) = ReferenceMagnitudes.Of(operand, batch, head, SignWeightingMode.MeanMagnitudePerHead);
                ReferenceSignGradient.Head(operand, batch, head, new SignSide(SignWeightingMode.MeanMagnitudePerHead, default, 1, SignOfZero.Positive), weights, operand.TokenCount, upstream, gradient);
                for (int token = 0; token < x.Shape[2]; token++)
                {
                    int offset = operand.Offset(batch, head, token);
                    for (int channel = 0; channel < x.Shape[3]; channel++)
                    {
                        output[offset + channel] = weights[token] * ReferenceSigns.Of(operand.Token(batch, head, token)[channel]);
                    }
                }
            }
        }

        report.RelativeToMaximum(group + "/out", output, MeanTolerance);
        report.RelativeToMaximum(group + "/grad_in", gradient, MeanTolerance);
    }

    private static void Probability(GoldenFile file, GoldenReport report, string group)
    {
        double[] x = file.Input(group + "/in").Values;
        float[] upstream = file.Input(group + "/grad_out").ToSingles();
        int[] levels = Array.ConvertAll(x, ProbabilityQuantizer.Level);
        double[] expected = report.Begin(group + "/level", levels.Length);
        for (int i = 0; i < Math.Min(levels.Length, expected.Length); i++)
        {
            double scaled = 255 * x[i];
            bool isTie = Math.Abs(scaled - Math.Floor(scaled) - 0.5) <= RoundingMargin;
            if (Math.Abs(levels[i] - expected[i]) > (isTie ? 1 : 0))
            {
                report.Fail(group + "/level", FormattableString.Invariant($"element {i} has level {levels[i]}, expected {expected[i]}; 255 p = {scaled:G9}"));
            }
        }

        report.Ulps(group + "/out", Array.ConvertAll(expected, static level => ProbabilityQuantizer.Value((int)level)), 0);
        report.Ulps(group + "/grad_in", [.. x.Zip(upstream, static (value, gradient) => ProbabilityQuantizer.PassesGradient(value) ? gradient : 0f)], 0);
    }

    private static void Symmetric(GoldenFile file, GoldenReport report, string group, string inputGroup, SymmetricQuantizer quantizer, bool isPerChannel)
    {
        GoldenTensor x = file.Input(inputGroup + "/in");
        float[] values = x.ToSingles();
        float[] upstream = file.Input(inputGroup + "/grad_out").ToSingles();
        int tokens = x.Shape[2];
        int channels = x.Shape[3];
        var output = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int first = i / (tokens * channels) * tokens * channels;
            IEnumerable<float> scope = isPerChannel ? Enumerable.Range(0, tokens).Select(token => values[first + (token * channels) + (i % channels)]) : values;
            float maximum = scope.Select(MathF.Abs).Aggregate(MathF.Max);
            output[i] = SymmetricQuantizer.Quantize(values[i], quantizer.Scale(maximum));
        }

        report.Ulps(group + "/out", output, 0);
        report.Ulps(group + "/grad_in", [.. values.Zip(upstream, (value, gradient) => quantizer.PassesGradient(value) ? gradient : 0f)], 0);
        if (group == "quantize_v")
        {
            AsKernelValues(report, group + "/out", x, values);
        }
    }

    // The same numbers once more through the levels that kernels multiply.
    private static void AsKernelValues(GoldenReport report, string name, GoldenTensor x, float[] values)
    {
        var operand = new ReferenceOperand(values, x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        var output = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int channel = i % x.Shape[3];
            int token = i / x.Shape[3] % x.Shape[2];
            int plane = i / (x.Shape[3] * x.Shape[2]);
            output[i] = (float)new ReferenceValues(operand, plane / x.Shape[1], plane % x.Shape[1], ValueQuantization.TrainingParity, operand.TokenCount).ForGradient(token, channel);
        }

        report.Ulps(name, output, 0);
    }
}
