// A training run as one HTML page that needs nothing else: curves, confusion matrix, attention of the trained network on some pictures, the configuration. No scripts; all text is escaped.
using System.Globalization;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Evaluation;
using BinaryAttention.Models.Training.Runs;

namespace BinaryAttention.Models.Reports;

internal static class TrainingPage
{
    // Larger tables are no pictures any more.
    private const int MostClasses = 40;

    public static string Create(RunReader run, IReadOnlyList<TrainingPicture> pictures)
    {
        var html = new HtmlText();
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(run.Folder.Folder)));
        PageHead.Write(html, $"Training run {name}");
        html.Write($"<body>\n<h1>Training run <bdi>{name}</bdi></h1>\n");
        WriteFacts(html, run);
        html.Write($"<h2>Loss</h2>\n");
        WriteCurves(html, "Loss by epoch", "nats", ("training", [.. run.Epochs.Select(static epoch => epoch.Loss)]), ("selection", [.. run.Epochs.Select(static epoch => epoch.SelectLoss)]));
        html.Write($"<h2>Accuracy</h2>\n<p>Training pictures are counted as augmented, while the weights change; the pictures to select by with the kernels of inference at the end of each epoch.</p>\n");
        WriteCurves(html, "Accuracy by epoch", "percent", ("training", [.. run.Epochs.Select(static epoch => 100 * epoch.TrainAccuracy)]), ("selection", [.. run.Epochs.Select(static epoch => 100 * epoch.SelectAccuracy)]));
        if (run.Result?.Test is { } test)
        {
            WriteConfusion(html, test);
        }

        WritePictures(html, pictures);
        html.Write($"<h2>Configuration</h2>\n<pre><code>{Lines(run)}</code></pre>\n</body>\n</html>\n");
        return html.ToString();
    }

    private static void WriteCurves(HtmlText html, string title, string unit, params (string Name, double[] Values)[] curves)
    {
        ChartSeries[] series = [.. curves.Where(static curve => curve.Values.Any(double.IsFinite)).Select(static curve => new ChartSeries(curve.Name, [.. curve.Values.Select(static (value, epoch) => (epoch + 1.0, value))]))];
        if (series.Length > 0)
        {
            LineChart.Write(html, title, new ChartAxis("epoch"), new ChartAxis(unit), series);
        }
    }

    // Control characters, line ends among them, do not pass into a page; spaces do.
    private static string Lines(RunReader run) => string.Join(' ', ConfigurationFile.Text(run.Configuration).Split('\n').Select(static line => line.Trim()));

    private static void WriteFacts(HtmlText html, RunReader run)
    {
        AttentionSection attention = run.Configuration.Attention;
        string kind = attention.Kind == "exact" ? $"exact, bias {attention.Bias}" : $"{attention.Kind}, weighting {attention.Weighting}, bias {attention.Bias}, quantisation {attention.Quantization}";
        html.Write($"<dl class=\"facts\">\n<dt>Attention</dt><dd>{kind}</dd>\n<dt>Seed</dt><dd>{run.Configuration.Seed}</dd>\n<dt>Epochs</dt><dd>{run.Epochs.Count} of {run.Configuration.Epochs}</dd>\n");
        if (run.Result is not { } result)
        {
            html.Write($"<dt>State</dt><dd>not ended</dd>\n</dl>\n");
            return;
        }

        html.Write($"<dt>Parameters</dt><dd>{result.ParameterCount.ToString("N0", CultureInfo.InvariantCulture)}</dd>\n<dt>Chosen step</dt><dd>{result.BestStep}</dd>\n");
        if (result.SelectAccuracy >= 0)
        {
            html.Write($"<dt>Selection</dt><dd>{100 * result.SelectAccuracy:F2} %</dd>\n");
        }

        if (result.Test is { } test)
        {
            html.Write($"<dt>Test</dt><dd>{100 * test.Accuracy:F2} % ({test.Correct} of {test.Count}), measured once</dd>\n");
        }

        html.Write($"</dl>\n");
    }

    private static void WriteConfusion(HtmlText html, Measurement test)
    {
        int classes = test.Confusion.Count;
        html.Write($"<h2>Confusion on the test pictures</h2>\n");
        if (classes > MostClasses)
        {
            html.Write($"<p>{classes} classes are too many for a table; result.json holds the numbers.</p>\n");
            return;
        }

        html.Write($"<p>Rows are classes, columns what the network says.</p>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\"></th>");
        for (int column = 0; column < classes; column++)
        {
            html.Write($"<th scope=\"col\">{column}</th>");
        }

        html.Write($"<th scope=\"col\">right, %</th></tr></thead>\n<tbody>\n");
        for (int row = 0; row < classes; row++)
        {
            int all = Math.Max(1, test.Confusion[row].Sum());
            html.Write($"<tr><th scope=\"row\">{row}</th>");
            for (int column = 0; column < classes; column++)
            {
                int count = test.Confusion[row][column];
                string colour = row == column ? "60, 111, 182" : "217, 119, 43";
                double strength = Math.Min(1, row == column ? 0.6 * count / all : 8.0 * count / all);
                html.Write($"<td style=\"background: rgba({colour}, {strength:F2})\">{count}</td>");
            }

            html.Write($"<td>{100.0 * test.Confusion[row][row] / all:F1}</td></tr>\n");
        }

        html.Write($"</tbody></table></div>\n");
    }

    private static void WritePictures(HtmlText html, IReadOnlyList<TrainingPicture> pictures)
    {
        if (pictures.Count == 0)
        {
            return;
        }

        html.Write($"<h2>What the class token looks at</h2>\n<p>Probabilities over the patches in every layer (rows) and head (columns) of the trained network, each from 0 to its own largest.</p>\n<div class=\"side\">\n");
        foreach (TrainingPicture picture in pictures)
        {
            string label = picture.Label < 0 ? string.Empty : $", is {picture.Label}";
            html.Write($"<figure><img class=\"map\" style=\"width:8rem\" alt=\"the picture\" src=\"{HeatPicture.DataUri(picture.Image)}\"/><figcaption>says {picture.Prediction}{label}</figcaption>\n<table><tbody>\n");
            foreach (float[] layer in picture.ClassRows)
            {
                html.Write($"<tr>");
                WriteHeads(html, layer, picture.HeadCount);
                html.Write($"</tr>\n");
            }

            html.Write($"</tbody></table></figure>\n");
        }

        html.Write($"</div>\n");
    }

    private static void WriteHeads(HtmlText html, float[] layer, int heads)
    {
        int patches = layer.Length / heads, side = (int)Math.Sqrt(patches);
        for (int head = 0; head < heads; head++)
        {
            ReadOnlySpan<float> values = layer.AsSpan(head * patches, patches);
            html.Write($"<td class=\"pair\"><img class=\"heat\" alt=\"head {head}\" src=\"{HeatPicture.DataUri(values, side, side, HeatPicture.Largest(values, default))}\"/></td>");
        }
    }
}
