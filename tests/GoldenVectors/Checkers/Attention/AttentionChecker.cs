// A_attn_*: the attention module under every combination of its switches.
namespace GoldenVectors.Checkers.Attention;

internal sealed class AttentionChecker : IGoldenChecker
{
    public bool Handles(GoldenFile file) => file.Case == "attention";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        var module = new AttentionModule(file, string.Empty);
        var comparison = new AttentionComparison(file, report, module);
        comparison.Common(string.Empty);
        foreach (System.Text.Json.JsonProperty combination in file.MetadataJson("flags").EnumerateObject())
        {
            comparison.Combination(combination.Name + "/", AttentionFlags.Parse(combination.Name));
        }

        return report;
    }
}
