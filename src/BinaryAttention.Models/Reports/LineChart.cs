// Lines over two axes as an SVG picture of its own: nothing is fetched, colours suit a light and a dark page, every point carries its figures as a tooltip. The palette is Okabe and Ito's, which readers with
// colour-blindness can tell apart; markers differ as well.
using System.Globalization;

namespace BinaryAttention.Models.Reports;

internal static class LineChart
{
    private const int Width = 720, Left = 74, Right = 30, Top = 34, PlotHeight = 300, LegendRow = 20, AxisHeight = 44;
    private const int PlotWidth = Width - Left - Right;
    private static readonly string[] Colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#8a6fdf", "#7f7f7f"];

    /// <summary>Writes the picture as part of a page.</summary>
    /// <param name="html">Where to.</param>
    /// <param name="title">What it shows.</param>
    /// <param name="horizontal">The axis to the right.</param>
    /// <param name="vertical">The axis upwards.</param>
    /// <param name="series">The lines; at least one point among them must be finite.</param>
    public static void Write(HtmlText html, string title, ChartAxis horizontal, ChartAxis vertical, IReadOnlyList<ChartSeries> series)
    {
        html.Write($"<svg");
        WriteRest(html, title, horizontal, vertical, series);
    }

    /// <summary>The picture as a file of its own.</summary>
    public static string Document(string title, ChartAxis horizontal, ChartAxis vertical, IReadOnlyList<ChartSeries> series)
    {
        var html = new HtmlText();
        html.Write($"<svg xmlns=\"http://www.w3.org/2000/svg\"");
        WriteRest(html, title, horizontal, vertical, series);
        return html.ToString();
    }

    private static void WriteRest(HtmlText html, string title, ChartAxis horizontal, ChartAxis vertical, IReadOnlyList<ChartSeries> series)
    {
        (double X, double Y)[] all = [.. series.SelectMany(one => one.Points).Where(IsDrawn)];
        if (all.Length == 0)
        {
            throw new ArgumentException($"No point of the chart \"{title}\" is finite.", nameof(series));
        }

        IReadOnlyList<double> columns = horizontal.Ticks(all.Min(point => point.X), all.Max(point => point.X));
        IReadOnlyList<double> rows = vertical.Ticks(all.Min(point => point.Y), all.Max(point => point.Y));
        int height = Top + PlotHeight + AxisHeight + (LegendRow * ((series.Count + 1) / 2)) + 8;
        html.Write($" class=\"chart\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{title}\">\n");
        WriteStyle(html);
        html.Write($"<rect class=\"paper\" width=\"{Width}\" height=\"{height}\"/><text class=\"title\" x=\"{Left}\" y=\"20\">{title}</text>\n");
        foreach (double tick in columns)
        {
            double x = X(horizontal, tick, columns);
            html.Write($"<line class=\"grid\" x1=\"{x:F1}\" y1=\"{Top}\" x2=\"{x:F1}\" y2=\"{Top + PlotHeight}\"/><text class=\"tick\" text-anchor=\"middle\" x=\"{x:F1}\" y=\"{Top + PlotHeight + 16}\">{ChartAxis.Text(tick)}</text>\n");
        }

        foreach (double tick in rows)
        {
            double y = Y(vertical, tick, rows);
            html.Write($"<line class=\"grid\" x1=\"{Left}\" y1=\"{y:F1}\" x2=\"{Left + PlotWidth}\" y2=\"{y:F1}\"/><text class=\"tick\" text-anchor=\"end\" x=\"{Left - 6}\" y=\"{y + 4:F1}\">{ChartAxis.Text(tick)}</text>\n");
        }

        html.Write($"<text class=\"label\" text-anchor=\"middle\" x=\"{Left + (PlotWidth / 2)}\" y=\"{Top + PlotHeight + 36}\">{horizontal.Label}</text>\n");
        html.Write($"<text class=\"label\" text-anchor=\"middle\" transform=\"translate(16 {Top + (PlotHeight / 2)}) rotate(-90)\">{vertical.Label}</text>\n");
        for (int i = 0; i < series.Count; i++)
        {
            WriteLine(html, series[i], Colours[i % Colours.Length], i % 2 == 1, point => (X(horizontal, point.X, columns), Y(vertical, point.Y, rows)));
            WriteLegend(html, series[i].Name, Colours[i % Colours.Length], i % 2 == 1, Left + (i % 2 * (PlotWidth / 2)), Top + PlotHeight + AxisHeight + (LegendRow * (i / 2)) + 12);
        }

        html.Write($"</svg>\n");
    }

    private static bool IsDrawn((double X, double Y) point) => double.IsFinite(point.X) && double.IsFinite(point.Y);

    private static double X(ChartAxis axis, double value, IReadOnlyList<double> ticks) => Left + (PlotWidth * axis.Place(value, ticks));

    private static double Y(ChartAxis axis, double value, IReadOnlyList<double> ticks) => Top + (PlotHeight * (1 - axis.Place(value, ticks)));

    private static void WriteLine(HtmlText html, ChartSeries series, string colour, bool isSquare, Func<(double X, double Y), (double X, double Y)> place)
    {
        (double X, double Y)[] drawn = [.. series.Points.Where(IsDrawn)];
        string points = string.Join(' ', drawn.Select(place).Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X:F1},{point.Y:F1}")));
        html.Write($"<polyline fill=\"none\" stroke-width=\"2\" stroke=\"{colour}\" points=\"{points}\"/>\n");

        // Marks would hide a line of many points.
        if (drawn.Length > 40)
        {
            return;
        }

        foreach ((double X, double Y) point in drawn)
        {
            (double x, double y) = place(point);
            WriteMark(html, colour, isSquare, x, y, $"{series.Name}: {ChartAxis.Text(point.X)}, {point.Y.ToString("G4", CultureInfo.InvariantCulture)}");
        }
    }

    private static void WriteMark(HtmlText html, string colour, bool isSquare, double x, double y, string tooltip)
    {
        if (isSquare)
        {
            html.Write($"<rect x=\"{x - 3:F1}\" y=\"{y - 3:F1}\" width=\"6\" height=\"6\" fill=\"{colour}\"><title>{tooltip}</title></rect>\n");
        }
        else
        {
            html.Write($"<circle cx=\"{x:F1}\" cy=\"{y:F1}\" r=\"3.5\" fill=\"{colour}\"><title>{tooltip}</title></circle>\n");
        }
    }

    private static void WriteLegend(HtmlText html, string name, string colour, bool isSquare, int x, int y)
    {
        html.Write($"<line x1=\"{x}\" y1=\"{y - 4}\" x2=\"{x + 22}\" y2=\"{y - 4}\" style=\"stroke: {colour}; stroke-width: 2\"/>");
        WriteMark(html, colour, isSquare, x + 11, y - 4, name);
        html.Write($"<text class=\"label\" x=\"{x + 28}\" y=\"{y}\">{name}</text>\n");
    }

    private static void WriteStyle(HtmlText html) => html.Write($$"""
        <style>
        .chart { font-family: system-ui, sans-serif; } .chart .paper { fill: #ffffff; } .chart text { fill: #1b1d22; } .chart .title { font-size: 14px; font-weight: 600; } .chart .label { font-size: 12px; } .chart .tick { font-size: 11px; fill: #5c6270; } .chart .grid { stroke: #d5d8df; }
        @media (prefers-color-scheme: dark) { .chart .paper { fill: #15171c; } .chart text { fill: #e6e8ee; } .chart .tick { fill: #a2a9b8; } .chart .grid { stroke: #3a3f4b; } }
        </style>

        """);
}
