using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Models.Reports;

/// <summary>A calibration as one HTML page that needs nothing else: no network, no scripts, pictures inside. The same report gives the same page.</summary>
public static class CalibrationPage
{
    /// <summary>Writes the page.</summary>
    /// <param name="report">What it shows.</param>
    public static string Create(CalibrationReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var html = new HtmlText();
        PageHead.Write(html, $"Calibration of {report.ModelName}");
        html.Write($"<body>\n<h1>One-bit attention for <bdi>{report.ModelName}</bdi>, calibrated</h1>\n<dl class=\"facts\"><dt>Command</dt><dd><code>{report.CommandLine}</code></dd><dt>Program</dt><dd>{report.Tool}</dd><dt>Codes</dt><dd>{InWords(report.Codes)}</dd>");
        if (report.PeakMemoryBytes > 0)
        {
            html.Write($"<dt>Memory</dt><dd>{report.PeakMemoryBytes / 1e9:F2} GB at most</dd>");
        }

        html.Write($"</dl>\n");
        WriteOutcomes(html, report);
        WriteLayers(html, report.Codes);
        WritePictures(html, report);
        html.Write($"</body>\n</html>\n");
        return html.ToString();
    }

    private static string InWords(ModelCodes codes) =>
        FormattableString.Invariant($"{codes.Options.Recipe}, {codes.Form.CodeLength} signs, planes {codes.Form.QueryPlanes} and {codes.Form.KeyPlanes}, rank {codes.Form.Rank}, keys weighted {(codes.Form.WeightsKeys ? "per token" : "per head")}, class row {(codes.Form.HasExactSpecialRows ? "exact" : "one-bit")}, {codes.ImageCount} images, seed {codes.Options.Seed}")
        + Layers(codes.Options.ExactLayers, "exact") + Layers(codes.Options.EightBitLayers, "in 8 bits");

    private static string Layers(IReadOnlyCollection<int> layers, string how) => layers.Count == 0 ? string.Empty : $", {(layers.Count == 1 ? "layer" : "layers")} {string.Join(" ", layers)} {how}";

    private static void WriteOutcomes(HtmlText html, CalibrationReport report)
    {
        html.Write($"<h2>What is left of the answers</h2>\n<p>{report.Measured}</p>\n<table><thead><tr><th scope=\"col\">attention</th><th scope=\"col\">same first class as exact</th><th scope=\"col\">KL, nats</th><th scope=\"col\">top-1</th></tr></thead>\n<tbody>\n");
        foreach ((string attention, string agreement, string divergence, string top1) in report.Outcomes)
        {
            html.Write($"<tr><th scope=\"row\">{attention}</th><td>{agreement}</td><td>{divergence}</td><td>{top1}</td></tr>\n");
        }

        html.Write($"</tbody></table>\n<p>KL is the mean over images of sum p ln(p / q) over classes, p the softmax of the exact model&#39;s logits, q that of the other.</p>\n");
    }

    private static void WriteLayers(HtmlText html, ModelCodes codes)
    {
        html.Write($"<h2>Layers</h2>\n<p>Weighted KL divergence of the attention rows from the exact ones, mean over heads and at most 16 of the images used for fitting, spread evenly, in nats: {Weighted(codes)}</p>\n<table><thead><tr><th scope=\"col\">layer</th><th scope=\"col\">signs as they are</th><th scope=\"col\">calibrated</th></tr></thead>\n<tbody>\n");
        foreach (LayerCodes layer in codes.Layers)
        {
            html.Write($"<tr><th scope=\"row\">{layer.Layer}</th><td>{layer.NaiveDivergence:F3}</td><td>{layer.Divergence:F3}</td></tr>\n");
        }

        html.Write($"</tbody></table>\n");
    }

    private static string Weighted(ModelCodes codes) => codes.Form.HasExactSpecialRows
        ? "the class token's row, which is computed exactly, is left out."
        : FormattableString.Invariant($"the class token's row weighs {codes.Options.SpecialRowWeight:F0} times as much as any other; in the last layer it alone counts.");

    private static void WritePictures(HtmlText html, CalibrationReport report)
    {
        if (report.Pictures.Count == 0)
        {
            return;
        }

        html.Write($"<h2>What the class token looks at</h2>\n<p>In each triple: exact attention, signs as they are, calibrated codes, over the patches of the photograph. The three share one scale, whose end is the triple&#39;s largest probability; colour follows the square root. All are computed on the activations of the exact model.</p>\n");
        foreach (CalibrationPicture picture in report.Pictures)
        {
            WritePicture(html, picture, report.Codes);
        }
    }

    private static void WritePicture(HtmlText html, CalibrationPicture picture, ModelCodes codes)
    {
        int patches = picture.GridHeight * picture.GridWidth, heads = codes.Layers[0].Temperature.Length, layers = picture.Maps.Exact.Length / patches / heads;
        html.Write($"<details open=\"open\"><summary><bdi>{picture.Name}</bdi></summary>\n<div class=\"side\"><figure><img class=\"photo\" alt=\"the photograph\" src=\"{HeatPicture.DataUri(picture.Photograph)}\"/><figcaption><bdi>{picture.Name}</bdi>, as the model sees it</figcaption></figure>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">layer</th>");
        for (int head = 0; head < heads; head++)
        {
            html.Write($"<th scope=\"col\">head {head}</th>");
        }

        html.Write($"</tr></thead>\n<tbody>\n");
        for (int layer = 0; layer < layers; layer++)
        {
            html.Write($"<tr><th scope=\"row\">{layer}</th>");
            for (int head = 0; head < heads; head++)
            {
                int first = ((layer * heads) + head) * patches;
                ReadOnlySpan<float> exact = picture.Maps.Exact.AsSpan(first, patches), naive = picture.Maps.Naive.AsSpan(first, patches), calibrated = picture.Maps.Calibrated.AsSpan(first, patches);
                float largest = MathF.Max(HeatPicture.Largest(exact, naive), HeatPicture.Largest(calibrated, []));
                html.Write($"<td class=\"pair\">");
                WriteMap(html, $"layer {layer}, head {head}, exact", exact, picture, largest);
                WriteMap(html, $"layer {layer}, head {head}, signs as they are", naive, picture, largest);
                WriteMap(html, $"layer {layer}, head {head}, calibrated", calibrated, picture, largest);
                html.Write($"<small>{largest:G2}</small></td>");
            }

            html.Write($"</tr>\n");
        }

        html.Write($"</tbody></table></div></div></details>\n");
    }

    private static void WriteMap(HtmlText html, string name, ReadOnlySpan<float> values, CalibrationPicture picture, float largest) =>
        html.Write($"<img class=\"heat\" alt=\"{name}\" src=\"{HeatPicture.DataUri(values, picture.GridHeight, picture.GridWidth, largest)}\"/>");
}
