// Two bars a layer as inline SVG: the divergence when the layer alone is one-bit, and the divergence gained when it alone is exact. One axis in nats; a gain below
// zero goes to the left of it.
using BinaryAttention.Models.Metrics;

namespace BinaryAttention.Models.Reports;

internal static class SensitivityChart
{
    private const int LabelWidth = 70, PlotWidth = 560, NumberWidth = 70, RowHeight = 34, BarHeight = 12, AxisHeight = 24;

    public static void Write(HtmlText html, IReadOnlyList<LayerSensitivity> layers)
    {
        double largest = 1e-9, smallest = 0;
        foreach (LayerSensitivity layer in layers)
        {
            largest = Math.Max(largest, Math.Max(Finite(layer.AloneDivergence), Finite(layer.Gain)));
            smallest = Math.Min(smallest, Finite(layer.Gain));
        }

        double scale = PlotWidth / (largest - smallest);
        double zero = LabelWidth + (-smallest * scale);
        int height = (layers.Count * RowHeight) + AxisHeight, width = LabelWidth + PlotWidth + NumberWidth;
        html.Write($"<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Sensitivity of the answers to each layer, in nats\">\n");
        for (int i = 0; i < layers.Count; i++)
        {
            LayerSensitivity layer = layers[i];
            int top = i * RowHeight;
            html.Write($"<text x=\"0\" y=\"{top + 20}\">layer {layer.Layer}</text>\n");
            Bar(html, "alone", layer.AloneDivergence, top + 4, zero, scale);
            Bar(html, "gain", layer.Gain, top + 4 + BarHeight, zero, scale);
        }

        html.Write($"<line x1=\"{zero:F1}\" y1=\"0\" x2=\"{zero:F1}\" y2=\"{layers.Count * RowHeight}\"/>\n");
        html.Write($"<text class=\"axis\" x=\"{zero:F1}\" y=\"{height - 6}\">0</text><text class=\"axis\" x=\"{LabelWidth + PlotWidth}\" y=\"{height - 6}\">{largest:F3} nats</text>\n</svg>\n");
        html.Write($"<p class=\"legend\"><span class=\"key alone\"></span> D when this layer alone is one-bit <span class=\"key gain\"></span> D gained when this layer alone is exact</p>\n");
    }

    private static void Bar(HtmlText html, string kind, double value, int top, double zero, double scale)
    {
        double length = Finite(value) * scale;
        html.Write($"<rect class=\"{kind}\" x=\"{zero + Math.Min(0, length):F1}\" y=\"{top}\" width=\"{Math.Abs(length):F1}\" height=\"{BarHeight - 1}\"/>");
        html.Write($"<text class=\"number\" x=\"{zero + Math.Max(0, length) + 4:F1}\" y=\"{top + 10}\">{FidelityTables.Figure(value, "F3")}</text>\n");
    }

    private static double Finite(double value) => double.IsFinite(value) ? value : 0;
}
