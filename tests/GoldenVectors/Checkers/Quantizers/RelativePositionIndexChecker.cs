// B_rel_pos_index: which row of the table every pair of tokens reads.
using BinaryAttention.Reference;

namespace GoldenVectors.Checkers.Quantizers;

internal sealed class RelativePositionIndexChecker : IGoldenChecker
{
    public bool Handles(GoldenFile file) => file.Case == "relative_position_index";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        foreach (System.Text.Json.JsonElement grid in file.MetadataJson("grids").EnumerateArray())
        {
            int height = grid[0].GetInt32();
            int width = grid[1].GetInt32();
            int tokens = (height * width) + 1;
            var index = new int[tokens * tokens];
            for (int pair = 0; pair < index.Length; pair++)
            {
                index[pair] = ReferenceBias.RelativeRow(pair / tokens, pair % tokens, height, width, hasClassToken: true);
            }

            report.ExactIntegers(FormattableString.Invariant($"index_{height}x{width}"), index);
        }

        return report;
    }
}
