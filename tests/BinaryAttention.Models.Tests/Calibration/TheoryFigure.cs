// A small plot as SVG: one curve (what the theory says) and points (what an experiment gave). Self-contained, readable on light and dark pages.
using System.Globalization;
using System.Text;

namespace BinaryAttention.Models.Tests.Calibration;

internal sealed class TheoryFigure(string horizontal, string vertical, (double First, double Last) columns, (double First, double Last) rows)
{
    private const int Left = 60, Top = 15, Width = 400, Height = 240, CurveSteps = 100;

    private readonly StringBuilder _marks = new();

    public TheoryFigure Curve(Func<double, double> function)
    {
        IEnumerable<string> points = Enumerable.Range(0, CurveSteps + 1).Select(i => columns.First + ((columns.Last - columns.First) * i / CurveSteps)).Select(x => $"{X(x)},{Y(function(x))}");
        _marks.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"#3c6fb6\" stroke-width=\"2\" points=\"{string.Join(' ', points)}\"/>\n");
        return this;
    }

    public TheoryFigure Points(IEnumerable<(double X, double Y)> points)
    {
        foreach ((double x, double y) in points)
        {
            _marks.Append(CultureInfo.InvariantCulture, $"<circle fill=\"#d9772b\" cx=\"{X(x)}\" cy=\"{Y(y)}\" r=\"3\"/>\n");
        }

        return this;
    }

    public string Text()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Left + Width + 20} {Top + Height + 50}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#7a8190\">\n");
        text.Append(CultureInfo.InvariantCulture, $"<title>{vertical} against {horizontal}: the curve is the theory, the points are an experiment</title>\n");
        text.Append(CultureInfo.InvariantCulture, $"<rect x=\"{Left}\" y=\"{Top}\" width=\"{Width}\" height=\"{Height}\" fill=\"none\" stroke=\"#7a8190\"/>\n");
        for (int i = 0; i <= 4; i++)
        {
            double x = columns.First + ((columns.Last - columns.First) * i / 4), y = rows.First + ((rows.Last - rows.First) * i / 4);
            text.Append(CultureInfo.InvariantCulture, $"<text text-anchor=\"middle\" x=\"{X(x)}\" y=\"{Top + Height + 17}\">{x:0.##}</text>\n<text text-anchor=\"end\" x=\"{Left - 6}\" y=\"{Y(y)}\" dy=\"4\">{y:0.##}</text>\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"<text text-anchor=\"middle\" x=\"{Left + (Width / 2)}\" y=\"{Top + Height + 38}\">{horizontal}</text>\n<text text-anchor=\"middle\" transform=\"translate(14 {Top + (Height / 2)}) rotate(-90)\">{vertical}</text>\n");
        return text.Append(_marks).Append("</svg>\n").ToString();
    }

    // Tenths of a pixel: the last bits of a logarithm may differ between platforms.
    private string X(double value) => (Left + (Width * (value - columns.First) / (columns.Last - columns.First))).ToString("F1", CultureInfo.InvariantCulture);

    private string Y(double value) => (Top + (Height * (rows.Last - value) / (rows.Last - rows.First))).ToString("F1", CultureInfo.InvariantCulture);
}
