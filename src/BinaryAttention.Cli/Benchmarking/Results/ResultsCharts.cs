// The pictures of a results folder: milliseconds against tokens for each dimension and number of heads that has at least three lengths, and processor milliseconds against pixels for each model.
using BinaryAttention.Models.Reports;

namespace BinaryAttention.Cli.Benchmarking.Results;

internal static class ResultsCharts
{
    private const int FewestPoints = 3;

    /// <summary>All pictures of a folder.</summary>
    public static IReadOnlyList<ResultsChart> Of(ResultFolder results) => [.. Attention(results.Attention), .. Models(results.Models)];

    /// <summary>The words of the page for a name in the raw files.</summary>
    public static string InWords(string name) => name == PairedAttention.Peer
        ? "ONNX Runtime, float32"
        : name.Replace("onnxruntime ", "ONNX Runtime ", StringComparison.Ordinal).Replace("binattn naive-binary", "one-bit, linear", StringComparison.Ordinal).Replace("binattn binary", "one-bit,", StringComparison.Ordinal)
            .Replace("binattn exact fp32", "exact, linear fp32", StringComparison.Ordinal).Replace("binattn exact int8", "exact, linear int8", StringComparison.Ordinal).Replace("binattn exact", "exact,", StringComparison.Ordinal);

    private static IEnumerable<ResultsChart> Attention(IReadOnlyList<PairedAttention> rows)
    {
        foreach (IGrouping<(int Heads, int Dimension, int Values), PairedAttention> group in rows.GroupBy(row => (row.HeadCount, row.HeadDimension, row.ValueDimension)))
        {
            PairedAttention[] lengths = [.. group];
            if (lengths.Length < FewestPoints)
            {
                continue;
            }

            // Plain forms only: a name of three words at most. A form with weights or a bias has a fourth.
            string[] names = [.. lengths.SelectMany(row => row.Times).Select(time => time.Name).Distinct(StringComparer.Ordinal).Where(name => name.Split(' ').Length <= 3)];
            List<ChartSeries> series = [];
            foreach (string name in names)
            {
                series.Add(new ChartSeries(InWords(name), [.. Points(lengths, name, time => time.Milliseconds)]));
                if (name.Contains("assembled", StringComparison.Ordinal))
                {
                    series.Add(new ChartSeries($"{InWords(name)}, with packing", [.. Points(lengths, name, time => time.Milliseconds + time.PackingMilliseconds ?? double.NaN)]));
                }
            }

            (int heads, int dimension, int values) = group.Key;
            string title = $"Attention, {heads} {(heads == 1 ? "head" : "heads")}, d = {dimension}, dv = {values}, one thread";
            yield return new ResultsChart($"attention-h{heads}-d{dimension}-dv{values}", title, new ChartAxis("tokens", IsLogarithmic: true), new ChartAxis("milliseconds", IsLogarithmic: true), series);
        }
    }

    private static IEnumerable<(double X, double Y)> Points(PairedAttention[] lengths, string name, Func<PairedTime, double> milliseconds) =>
        from row in lengths
        from time in row.Times
        where time.Name == name
        select ((double)row.Length, milliseconds(time));

    private static IEnumerable<ResultsChart> Models(IReadOnlyList<PairedModel> rows)
    {
        foreach (IGrouping<string, PairedModel> group in rows.GroupBy(row => row.Model, StringComparer.Ordinal))
        {
            PairedModel[] sizes = [.. group];
            if (sizes.Length < FewestPoints)
            {
                continue;
            }

            ChartSeries[] series =
            [
                .. from name in sizes.SelectMany(row => row.Times).Select(time => time.Name).Distinct(StringComparer.Ordinal)
                   select new ChartSeries(InWords(name), [.. from row in sizes from time in row.Times where time.Name == name select ((double)row.ImageSize, time.Milliseconds)]),
            ];
            string title = $"{group.Key}, batch 1, one thread";
            yield return new ResultsChart($"model-{group.Key}", title, new ChartAxis("side of the image, pixels"), new ChartAxis("processor milliseconds", IsLogarithmic: true), series);
        }
    }
}
