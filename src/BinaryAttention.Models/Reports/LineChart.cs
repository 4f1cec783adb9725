// Curves over epochs as inline SVG: axes with round numbers, one polyline a series with a break where a value is missing.
using System.Globalization;

namespace BinaryAttention.Models.Reports;

internal static class LineChart
{
    private const int Left = 60, Top = 12, Width = 620, Height = 240, Bottom = 36;

    // The classes of the style sheet for the first and the second series.
    private static readonly string[] Colours = ["var(--alone)", "var(--gain)"];

    public static void Write(HtmlText html, string label, string unit, params (string Name, double[] Values)[] series)
    {
        double[] finite = [.. series.SelectMany(static one => one.Values).Where(double.IsFinite)];
        int count = series.Max(static one => one.Values.Length);
        if (finite.Length == 0 || count == 0)
        {
            return;
        }

        double low = finite.Min(), high = finite.Max(), step = NiceStep(high - low);
        low = Math.Floor(low / step) * step;
        high = Math.Max(Math.Ceiling(high / step) * step, low + step);
        html.Write($"<svg viewBox=\"0 0 {Left + Width + 20} {Top + Height + Bottom}\" role=\"img\" aria-label=\"{label}\">\n");
        for (int i = 0; low + (i * step) <= high + (step / 2); i++)
        {
            double value = low + (i * step), y = Y(value);
            html.Write($"<line x1=\"{Left}\" y1=\"{y:F1}\" x2=\"{Left + Width}\" y2=\"{y:F1}\" stroke-opacity=\"0.25\"/><text class=\"number\" text-anchor=\"end\" x=\"{Left - 6}\" y=\"{y + 4:F1}\">{value.ToString("G4", CultureInfo.InvariantCulture)}</text>\n");
        }

        int epochStep = Math.Max(1, (int)NiceStep(count));
        for (int epoch = epochStep; epoch <= count; epoch += epochStep)
        {
            html.Write($"<text class=\"axis\" x=\"{X(epoch - 1):F1}\" y=\"{Top + Height + 16}\">{epoch}</text>\n");
        }

        html.Write($"<text class=\"axis\" x=\"{Left + (Width / 2)}\" y=\"{Top + Height + 32}\">epoch</text><text class=\"number\" x=\"0\" y=\"{Top + 2}\">{unit}</text>\n");
        for (int i = 0; i < series.Length; i++)
        {
            Curve(html, series[i].Values, Colours[i % Colours.Length]);
        }

        html.Write($"</svg>\n<p class=\"legend\">");
        for (int i = 0; i < series.Length; i++)
        {
            html.Write($"<span class=\"key\" style=\"background:{Colours[i % Colours.Length]}\"></span> {series[i].Name} ");
        }

        html.Write($"</p>\n");

        double X(int index) => Left + (Width * (count == 1 ? 0.5 : (double)index / (count - 1)));

        double Y(double value) => Top + (Height * (high - value) / (high - low));

        void Curve(HtmlText page, double[] values, string colour)
        {
            var points = new List<string>();
            for (int i = 0; i <= values.Length; i++)
            {
                if (i < values.Length && double.IsFinite(values[i]))
                {
                    points.Add(string.Create(CultureInfo.InvariantCulture, $"{X(i):F1},{Y(values[i]):F1}"));
                }
                else if (points.Count > 0)
                {
                    page.Write($"<polyline fill=\"none\" stroke-width=\"2\" stroke=\"{colour}\" points=\"{string.Join(' ', points)}\"/>\n");
                    page.Write($"<circle r=\"2.5\" fill=\"{colour}\" cx=\"{points[^1].Split(',')[0]}\" cy=\"{points[^1].Split(',')[1]}\"/>\n");
                    points.Clear();
                }
            }
        }
    }

    /// <summary>1, 2 or 5 times a power of ten: about five to ten steps over a range.</summary>
    internal static double NiceStep(double range)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(range, 1e-9) / 5)));
        return (Math.Max(range, 1e-9) / 5 / power) switch { < 2 => power, < 5 => 2 * power, _ => 5 * power };
    }
}
