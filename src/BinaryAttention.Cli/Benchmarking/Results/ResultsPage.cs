// A results folder as one HTML page: the charts, and a table of every paired time with its ratio to the peer of the same run.
using System.Globalization;
using BinaryAttention.Models.Reports;

namespace BinaryAttention.Cli.Benchmarking.Results;

internal static class ResultsPage
{
    public static string Create(string name, ResultFolder results)
    {
        var html = new HtmlText();
        html.Write($"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>Benchmarks: {name}</title>\n");
        PageStyle.Write(html);
        html.Write($"</head>\n<body>\n<h1>Benchmarks on {name}</h1>\n<p>Each row comes from runs that took turns with the peer on one core, round after round; times are medians, ratios those of one run. Machine and commands stand in the raw files beside this page.</p>\n");
        foreach (ResultsChart chart in ResultsCharts.Of(results))
        {
            LineChart.Write(html, chart.Title, chart.Horizontal, chart.Vertical, chart.Series);
        }

        WriteAttention(html, results.Attention);
        WriteModels(html, results.Models);
        html.Write($"</body>\n</html>\n");
        return html.ToString();
    }

    private static void WriteAttention(HtmlText html, IReadOnlyList<PairedAttention> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        html.Write($"<h2>Attention</h2>\n<p>Milliseconds of wall time, without packing; packing is what a one-bit call does to its operands before the kernel runs.</p>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">heads</th><th scope=\"col\">tokens</th><th scope=\"col\">d</th><th scope=\"col\">dv</th><th scope=\"col\">what</th><th scope=\"col\">ms</th><th scope=\"col\">packing ms</th><th scope=\"col\">cycles a pair</th><th scope=\"col\">times faster</th><th scope=\"col\">with packing</th><th scope=\"col\">source</th></tr></thead>\n<tbody>\n");
        foreach (PairedAttention row in rows)
        {
            foreach (PairedTime time in row.Times)
            {
                html.Write($"<tr><td>{row.HeadCount}</td><td>{row.Length}</td><td>{row.HeadDimension}</td><td>{row.ValueDimension}</td><th scope=\"row\">{ResultsCharts.InWords(time.Name)}</th><td>{Figure(time.Milliseconds)}</td><td>{Figure(time.PackingMilliseconds)}</td><td>{Figure(time.CyclesPerPair)}</td><td>{Figure(time.TimesFaster)}</td><td>{Figure(time.TimesFasterPackingIncluded)}</td><td>{row.Source}</td></tr>\n");
            }
        }

        html.Write($"</tbody></table></div>\n");
    }

    private static void WriteModels(HtmlText html, IReadOnlyList<PairedModel> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        html.Write($"<h2>Whole models</h2>\n<p>Milliseconds of processor time, from pixels to logits.</p>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">model</th><th scope=\"col\">pixels</th><th scope=\"col\">what</th><th scope=\"col\">ms</th><th scope=\"col\">source</th></tr></thead>\n<tbody>\n");
        foreach (PairedModel row in rows)
        {
            foreach (PairedTime time in row.Times)
            {
                html.Write($"<tr><th scope=\"row\">{row.Model}</th><td>{row.ImageSize}</td><td>{ResultsCharts.InWords(time.Name)}</td><td>{Figure(time.Milliseconds)}</td><td>{row.Source}</td></tr>\n");
            }
        }

        html.Write($"</tbody></table></div>\n");
    }

    private static string Figure(double? value) => value?.ToString(value >= 100 ? "F0" : "G3", CultureInfo.InvariantCulture) ?? string.Empty;
}
