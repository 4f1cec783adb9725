// Tables of layer by head. Cells are tinted by how bad they are; the tint is translucent, so the text stays readable on a light and on a dark page.
using System.Globalization;
using BinaryAttention.Models.Metrics;

namespace BinaryAttention.Models.Reports;

internal static class FidelityTables
{
    private const double StrongestTint = 0.6;

    /// <summary>One table: the figure of every head, the same of the class token's row below it, tinted by badness from 0 to 1.</summary>
    public static void Write(HtmlText html, string caption, IReadOnlyList<IReadOnlyList<HeadFidelity>> layers, Func<HeadFidelity, (string Main, string Below, double Badness)> cell)
    {
        html.Write($"<div class=\"scroll\"><table><caption>{caption}</caption>\n<thead><tr><th scope=\"col\">layer</th>");
        for (int head = 0; head < layers[0].Count; head++)
        {
            html.Write($"<th scope=\"col\">head {head}</th>");
        }

        html.Write($"</tr></thead>\n<tbody>\n");
        for (int layer = 0; layer < layers.Count; layer++)
        {
            html.Write($"<tr><th scope=\"row\">{layer}</th>");
            foreach (HeadFidelity figures in layers[layer])
            {
                (string main, string below, double badness) = cell(figures);
                double tint = StrongestTint * (double.IsNaN(badness) ? 1 : Math.Clamp(badness, 0, 1));
                html.Write($"<td style=\"background:rgba(224,72,32,{tint:F3})\">{main}<small>{below}</small></td>");
            }

            html.Write($"</tr>\n");
        }

        html.Write($"</tbody></table></div>\n");
    }

    public static void WriteSuggestions(HtmlText html, SensitivityReport sensitivity)
    {
        html.Write($"<div class=\"scroll\"><table><caption>Answers against the fully exact model, measured on {sensitivity.ImageCount} pictures</caption>\n<thead><tr><th scope=\"col\">exact layers</th><th scope=\"col\">D, nats</th><th scope=\"col\">agreement</th></tr></thead>\n<tbody>\n");
        foreach (MixedAttention mixture in (MixedAttention[])[sensitivity.AllBinary, .. sensitivity.Suggestions])
        {
            string names = mixture.ExactLayers.Count == 0 ? "none" : string.Join(", ", mixture.ExactLayers);
            html.Write($"<tr><th scope=\"row\">{names}</th><td>{Figure(mixture.Divergence, "F4")}</td><td>{Figure(mixture.Agreement, "P1")}</td></tr>\n");
        }

        html.Write($"</tbody></table></div>\n");
    }

    public static string Figure(double value, string format) => double.IsNaN(value) ? "\u2013" : value.ToString(format, CultureInfo.InvariantCulture);
}
