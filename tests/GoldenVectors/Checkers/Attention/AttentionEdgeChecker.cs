// A_attn_edge: all-zero operands, values exactly at 0, +-1 and +-2, and a dead value channel, each a module call of its own below a prefix.
namespace GoldenVectors.Checkers.Attention;

internal sealed class AttentionEdgeChecker : IGoldenChecker
{
    public bool Handles(GoldenFile file) => file.Case == "attention_edge";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        var flags = AttentionFlags.Parse(file.Metadata["flags"]);
        IEnumerable<string> prefixes = file.Names.Where(name => name.EndsWith("in/x", StringComparison.Ordinal)).Select(name => name[..^"in/x".Length]);
        foreach (string prefix in prefixes.Order(StringComparer.Ordinal).ToArray())
        {
            var comparison = new AttentionComparison(file, report, new AttentionModule(file, prefix));
            comparison.Combination(prefix, flags);
        }

        return report;
    }
}
