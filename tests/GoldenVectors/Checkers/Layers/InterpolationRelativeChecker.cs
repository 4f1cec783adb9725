// Relative-position tables fitted to other grids, and the spread source coordinates on the way. Tensor names say the grids, such as rel_14to24.
using System.Globalization;
using BinaryAttention.Models.Vision;

namespace GoldenVectors;

internal sealed class InterpolationRelativeChecker : IGoldenChecker
{
    private const double Tolerance = 2e-6;

    public bool Handles(GoldenFile file) => file.Case == "interp_rel_pos";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        foreach (string name in file.Names.Where(name => name.EndsWith("/in", StringComparison.Ordinal)))
        {
            string group = name[..^"/in".Length];
            string[] sizes = group.Split('_', 2)[1].Split("to", 2);
            int grid = int.Parse(sizes[0], CultureInfo.InvariantCulture), newGrid = int.Parse(sizes[1], CultureInfo.InvariantCulture);
            GoldenTensor table = file.Input(name);
            report.Absolute($"{group}/out", RelativeTableResampling.Resize(table.ToSingles(), grid, newGrid, table.Shape[1]), Tolerance);
            if (file.Has($"{group}/x_source_coordinates"))
            {
                report.Absolute($"{group}/x_source_coordinates", RelativeTableResampling.SourceCoordinates((2 * grid) - 1, (2 * newGrid) - 1), 1e-9);
            }
        }

        return report;
    }
}
