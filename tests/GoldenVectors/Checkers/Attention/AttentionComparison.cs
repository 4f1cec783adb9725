// Compares one module call under one combination of switches with the tensors below a name prefix.
using System.Text.Json;
using System.Text.RegularExpressions;
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;

namespace GoldenVectors.Checkers.Attention;

internal sealed partial class AttentionComparison(GoldenFile file, GoldenReport report, AttentionModule module)
{
    // Files that state no number use the one that all others state.
    private const double DefaultTolerance = 2e-5;

    private const double Float32Epsilon = 1.0 / (1 << 23);

    // 255 P this close to a half integer may round either way.
    private const double RoundingMargin = 1e-4;

    private readonly double _tolerance = file.Metadata.TryGetValue("tolerance", out string? text) && RelativeNumber().Match(text) is { Success: true } match
        ? double.Parse(match.Groups["number"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)
        : DefaultTolerance;

    public static IEnumerable<string> Kernels => AttentionKernels.All
        .Where(kernel => kernel.IsUsable)
        .Select(kernel => kernel.Name);

    /// <summary>Usable kernels that compute gradients.</summary>
    public static IEnumerable<string> BackwardKernels => KernelRegistry.Kernels
        .Where(kernel => kernel.WhyNot(CpuFeatures.Current) is null && kernel.WhyNotBackward(Smallest) is null)
        .Select(kernel => kernel.Name);

    private static AttentionSpecification Smallest => SpecificationBuilder.Build(new AttentionShape(1, 1, 1, 1, 1, 1) { KeyHeadCount = 1 }, new BinaryAttentionOptions(), isBinary: true);

    /// <summary>Compares what the file holds of one combination: output, intermediates and gradients. A file may list a combination without tensors of its own.</summary>
    public void Combination(string prefix, AttentionFlags flags)
    {
        if (!file.Names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            return;
        }

        foreach (string kernel in Kernels)
        {
            Relative(prefix + "out", module.Forward(flags, kernel), _tolerance);
        }

        var intermediates = new AttentionIntermediates(module, flags);
        foreach (string kernel in Kernels)
        {
            OfKernel(prefix, new KernelIntermediates(module, flags, kernel), intermediates.Probabilities);
        }

        IReadOnlyDictionary<string, double[]> gradients = module.Backward(flags, out ReferenceGradients attention);
        Relative(prefix + "mid/S", Cut(intermediates.Logits), _tolerance);
        Relative(prefix + "mid/P", Cut(intermediates.Probabilities), _tolerance);
        Relative(prefix + "mid/v_q", intermediates.QuantizedValues, _tolerance);
        double logitTolerance = LogitGradientTolerance(attention);
        Relative(prefix + "mid/q_bin_grad", attention.BinarisedQuery, logitTolerance);
        Relative(prefix + "mid/q_grad_through_scale_and_ste", attention.Query, logitTolerance);
        foreach ((string name, double[] actual) in gradients)
        {
            Relative($"{prefix}grad/{name}", actual, name == "relative_position_bias_table" ? logitTolerance : _tolerance);
            GradientRows($"{prefix}grad_rows/{name}", name, actual);
        }

        foreach (string kernel in BackwardKernels)
        {
            foreach ((string name, double[] actual) in module.Backward(flags, kernel))
            {
                Relative($"{prefix}grad/{name}", actual, name == "relative_position_bias_table" ? logitTolerance : _tolerance);
                GradientRows($"{prefix}grad_rows/{name}", name, actual);
            }
        }

        (double[] trained, IReadOnlyDictionary<string, double[]> trainedGradients) = module.Train(flags);
        Relative(prefix + "out", trained, _tolerance);
        foreach ((string name, double[] actual) in trainedGradients)
        {
            Relative($"{prefix}grad/{name}", actual, name == "relative_position_bias_table" ? logitTolerance : _tolerance);
            GradientRows($"{prefix}grad_rows/{name}", name, actual);
        }

        ProbabilityLevels(prefix + "mid/P_level", intermediates.ProbabilityLevels, intermediates.Probabilities);
    }

    private void OfKernel(string prefix, KernelIntermediates kernel, double[] probabilities)
    {
        Relative(prefix + "mid/S", Cut(kernel.Logits), _tolerance);
        Relative(prefix + "mid/P", Cut(kernel.Probabilities), _tolerance);
        if (kernel.ProbabilityLevels is { } levels)
        {
            ProbabilityLevels(prefix + "mid/P_level", levels, probabilities);
        }
    }

    /// <summary>Compares the tensors that all combinations share; they need a combination with one-bit queries and 8-bit values to be computed.</summary>
    public void Common(string prefix)
    {
        var intermediates = new AttentionIntermediates(module, new AttentionFlags(IsBinary: true, HasBias: false, Is8Bit: true));
        if (file.Has(prefix + "mid/qkv"))
        {
            report.Ulps(prefix + "mid/qkv", Array.ConvertAll(module.Qkv, static value => (float)value), 0);
        }

        Relative(prefix + "mid/mu_q", intermediates.QueryMagnitudes, _tolerance);
        Relative(prefix + "mid/mu_k", intermediates.KeyMagnitudes, _tolerance);
        Relative(prefix + "mid/v_scale", intermediates.ValueScales, _tolerance);
        Relative(prefix + "mid/v_q_first_row", FirstTokens(intermediates.QuantizedValues), _tolerance);
        Integers(prefix + "mid/q_sign", Array.ConvertAll(module.Query, static x => ReferenceSigns.Of(x)));
        Integers(prefix + "mid/k_sign", Array.ConvertAll(module.Key, static x => ReferenceSigns.Of(x)));
        Integers(prefix + "mid/v_level", intermediates.ValueLevels);
    }

    // Where one probability is nearly 1, dS = P (dP - sum P dP) cancels, and a float32 file keeps only epsilon * max|dP| / max|dS| of it. A file that states its
    // tolerance was made without such rows and is held to it.
    private double LogitGradientTolerance(ReferenceGradients attention)
    {
        if (file.Metadata.ContainsKey("tolerance"))
        {
            return _tolerance;
        }

        double largestLogitGradient = attention.Logits.Max(Math.Abs);
        return largestLogitGradient == 0 ? _tolerance : Math.Max(_tolerance, Float32Epsilon * attention.Probabilities.Max(Math.Abs) / largestLogitGradient);
    }

    private void Relative(string name, double[] actual, double tolerance)
    {
        if (file.Has(name))
        {
            report.RelativeToMaximum(name, actual, tolerance);
        }
    }

    private void Integers(string name, int[] actual)
    {
        if (file.Has(name))
        {
            report.ExactIntegers(name, actual);
        }
    }

    private void GradientRows(string name, string weight, double[] gradient)
    {
        if (!file.Has(name))
        {
            return;
        }

        int[] rows = [.. file.MetadataJson("grad_rows").GetProperty(weight).EnumerateArray().Select(row => row.GetInt32())];
        int width = file.Peek(name).Shape[^1];
        report.RelativeToMaximum(name, rows.SelectMany(row => gradient.AsSpan(row * width, width).ToArray()).ToArray(), _tolerance);
    }

    private void ProbabilityLevels(string name, int[] actual, double[] probabilities)
    {
        if (!file.Has(name))
        {
            return;
        }

        double[] expected = report.Begin(name, actual.Length);
        for (int i = 0; i < Math.Min(actual.Length, expected.Length); i++)
        {
            double difference = Math.Abs(actual[i] - expected[i]);
            double scaled = 255 * probabilities[i];
            bool isTie = Math.Abs(scaled - Math.Floor(scaled) - 0.5) <= RoundingMargin;
            if (difference > (isTie ? 1 : 0))
            {
                report.Fail(name, FormattableString.Invariant($"pair {i} has level {actual[i]}, expected {expected[i]}; 255 P = {scaled:G9}"));
                return;
            }
        }
    }

    // Large files keep some query rows of S and P only.
    private double[] Cut(double[] pairs)
    {
        if (!file.Metadata.ContainsKey("stats") || !file.MetadataJson("stats").TryGetProperty("S_P_rows", out JsonElement listed))
        {
            return pairs;
        }

        int[] rows = [.. listed.EnumerateArray().Select(row => row.GetInt32())];
        int tokens = module.Sizes.TokenCount;
        var cut = new List<double>();
        for (int plane = 0; plane < pairs.Length / (tokens * tokens); plane++)
        {
            foreach (int row in rows)
            {
                cut.AddRange(pairs.AsSpan(((plane * tokens) + row) * tokens, tokens));
            }
        }

        return [.. cut];
    }

    private double[] FirstTokens(double[] heads)
    {
        int head = module.Sizes.TokenCount * module.Sizes.HeadDimension;
        return [.. Enumerable.Range(0, heads.Length / head).SelectMany(plane => heads.AsSpan(plane * head, module.Sizes.HeadDimension).ToArray())];
    }

    [GeneratedRegex(@"relative (?<number>\d+(\.\d+)?e-\d+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RelativeNumber();
}
