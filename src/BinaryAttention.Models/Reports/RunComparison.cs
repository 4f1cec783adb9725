// Groups of training runs side by side, as a Markdown table: means over seeds with 95 percent intervals, and the difference from the first group, seed by seed.
using System.Globalization;
using System.Text;
using BinaryAttention.Models.Training.Runs;

namespace BinaryAttention.Models.Reports;

internal static class RunComparison
{
    public static string Markdown(IReadOnlyList<RunGroup> groups)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"| runs | seeds | selection, % | test, % | difference from {Cell(groups[0].Name)}, points |\n| --- | ---: | ---: | ---: | ---: |\n");
        foreach (RunGroup group in groups)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(group.Name)} | {group.TestAccuracies.Count} | {Percent(SampleMean.Of([.. group.SelectAccuracies.Values]))} | {Percent(SampleMean.Of([.. group.TestAccuracies.Values]))} | {(group == groups[0] ? "" : Signed(Difference(group, groups[0])))} |\n");
        }

        return text.ToString();
    }

    /// <summary>Of the seeds that both groups have.</summary>
    public static SampleMean Difference(RunGroup group, RunGroup other) =>
        SampleMean.Of([.. group.TestAccuracies.Where(pair => other.TestAccuracies.ContainsKey(pair.Key)).Select(pair => pair.Value - other.TestAccuracies[pair.Key])]);

    private static string Percent(SampleMean value) => Text(value, "F2");

    private static string Signed(SampleMean value) => Text(value, "+0.00;-0.00;0.00");

    private static string Text(SampleMean value, string format) => !double.IsFinite(value.Mean)
        ? "-"
        : (100 * value.Mean).ToString(format, CultureInfo.InvariantCulture) + (double.IsFinite(value.HalfWidth) ? string.Create(CultureInfo.InvariantCulture, $" ± {100 * value.HalfWidth:F2}") : string.Empty);

    private static string Cell(string name) => name.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");
}
