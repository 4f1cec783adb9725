using BinaryAttention.Models.Metrics;

namespace BinaryAttention.Models.Reports;

/// <summary>
/// A fidelity report as one HTML page that needs nothing else: no network, no scripts, pictures inside. All text from files is escaped, and a content security
/// policy forbids whatever could still be loaded. The same report gives the same page.
/// </summary>
public static class FidelityPage
{
    /// <summary>The page.</summary>
    /// <param name="report">The report, of at least one layer and head.</param>
    /// <exception cref="ArgumentException">There is no layer, or layers have different numbers of heads.</exception>
    public static string Create(FidelityReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (report.Layers.Count == 0 || report.Layers[0].Count == 0 || report.Layers.Any(heads => heads.Count != report.Layers[0].Count))
        {
            throw new ArgumentException("Layers has no layer, no head or layers of different numbers of heads; figures of every layer and head are expected.", nameof(report));
        }

        var html = new HtmlText();
        PageHead.Write(html, $"Attention fidelity of {report.ModelName}");
        html.Write($"<body>\n<h1>Attention fidelity of <bdi>{report.ModelName}</bdi></h1>\n");
        WriteFacts(html, report);
        WriteAnswers(html, report.Sensitivity);
        WriteHeads(html, report.Layers);
        if (report.Photographs.Count > 0)
        {
            PictureSection.Write(html, report);
        }

        WriteDefinitions(html);
        html.Write($"</body>\n</html>\n");
        return html.ToString();
    }

    private static void WriteFacts(HtmlText html, FidelityReport report)
    {
        html.Write($"<p>How far one-bit attention is from exact attention, layer by layer and head by head. Each layer is compared on the queries, keys and values of the exact model.</p>\n");
        if (report.Remark.Length > 0)
        {
            html.Write($"<p><strong>{report.Remark}</strong></p>\n");
        }

        html.Write($"<dl class=\"facts\">\n<dt>Model</dt><dd><bdi>{report.ModelName}</bdi></dd>\n<dt>One-bit attention</dt><dd>{report.BinaryAttention}</dd>\n");
        html.Write($"<dt>Pictures</dt><dd>{report.Pictures}</dd>\n<dt>Command</dt><dd><code>{report.CommandLine}</code></dd>\n<dt>Version</dt><dd>BinaryAttention {report.ToolVersion}</dd>\n</dl>\n");
    }

    private static void WriteAnswers(HtmlText html, SensitivityReport sensitivity)
    {
        html.Write($"<h2>Which layers to keep exact</h2>\n<p>D is the divergence of the model&#39;s answers, agreement the share of pictures with the same first class. Every line was measured by running the model. Each line adds the layer that lowers D most.</p>\n");
        FidelityTables.WriteSuggestions(html, sensitivity);
        if (sensitivity.Layers.Count > 0)
        {
            html.Write($"<h3>Sensitivity of the answers to each layer</h3>\n");
            SensitivityChart.Write(html, sensitivity.Layers);
        }
    }

    private static void WriteHeads(HtmlText html, IReadOnlyList<IReadOnlyList<HeadFidelity>> layers)
    {
        html.Write($"<h2>Layers and heads</h2>\n<p>The large figure is over all query rows, the small one over the rows of the special tokens (the class token decides the classification).</p>\n");
        html.Write($"<div class=\"side\">\n");
        double worst = Math.Max(1e-9, layers.Max(static heads => heads.Max(static head => double.IsNaN(head.MapDivergence) ? 0 : head.MapDivergence)));
        FidelityTables.Write(html, "KL divergence of the attention maps, nats (0 is equal)", layers, head => (FidelityTables.Figure(head.MapDivergence, "F3"), FidelityTables.Figure(head.SpecialRowDivergence, "F3"), head.MapDivergence / worst));
        FidelityTables.Write(html, "Cosine similarity of the attention maps (1 is equal)", layers, static head => (FidelityTables.Figure(head.MapCosine, "F3"), FidelityTables.Figure(head.SpecialRowCosine, "F3"), 1 - head.MapCosine));
        FidelityTables.Write(html, "Relative error of the attention output, percent", layers, static head => (Percent(head.OutputError), Percent(head.SpecialRowOutputError), head.OutputError));
        FidelityTables.Write(html, "Its parts, percent: signs alone, and below 8-bit probabilities and values", layers, static head => (Percent(head.SignError), Percent(head.QuantizationError), head.SignError));
        html.Write($"</div>\n");
    }

    private static void WriteDefinitions(HtmlText html)
    {
        html.Write($"<h2>Definitions</h2>\n<p>p is a row of exact probabilities, q the same row of one-bit attention with float probabilities (what the signs alone do); O are outputs of the attention. Figures are means over query rows, then over pictures.</p>\n<dl>\n");
        html.Write($"<dt>KL divergence of the maps</dt><dd>sum over keys of p ln(p / q), natural logarithm, in nats; one-bit probabilities below 2<sup>-126</sup> count as that.</dd>\n");
        html.Write($"<dt>Cosine similarity of the maps</dt><dd>p&#183;q / (|p| |q|) of each row.</dd>\n");
        html.Write($"<dt>Relative error of the output</dt><dd>|O one-bit - O exact| / |O exact| over all rows and channels of a head, as it runs. Signs alone: the same with float probabilities and values. 8-bit part: |O one-bit - O one-bit in float| / |O exact|.</dd>\n");
        html.Write($"<dt>D</dt><dd>sum over classes of p ln(p / q), p the softmax of the exact model&#39;s logits, q that of the other; mean over pictures, in nats.</dd>\n");
        html.Write($"<dt>Sensitivity</dt><dd>D when the layer alone is one-bit; and D of the all-one-bit model less D when the layer alone is exact (below zero: exact is worse there).</dd>\n");
        html.Write($"<dt>Heat maps</dt><dd>Colour follows the square root of the probability over the end of the scale, which both maps of a pair share.</dd>\n</dl>\n");
    }

    private static string Percent(double share) => FidelityTables.Figure(100 * share, "F1");
}
