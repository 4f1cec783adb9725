// Position embeddings fitted to other grids: the class token kept, the grid resized. Tensor names say filter and grids, such as bicubic_14to24 or bilinear_4to6x9.
using System.Globalization;
using BinaryAttention.Models.Vision;

namespace GoldenVectors;

internal sealed class InterpolationPositionChecker : IGoldenChecker
{
    private const double Tolerance = 1e-5;

    public bool Handles(GoldenFile file) => file.Case == "interp_pos_embed";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        foreach (string name in file.Names.Where(name => name.EndsWith("/in", StringComparison.Ordinal)))
        {
            string group = name[..^"/in".Length];
            string[] sizes = group.Split('_', 2)[1].Split("to", 2);
            int[] target = [.. sizes[1].Split('x').Select(size => int.Parse(size, CultureInfo.InvariantCulture))];
            int side = int.Parse(sizes[0], CultureInfo.InvariantCulture);
            GoldenTensor source = file.Input(name);
            int channels = source.Shape[^1];
            PositionResize filter = group.StartsWith("bicubic", StringComparison.Ordinal) ? PositionResize.Bicubic : PositionResize.Bilinear;
            float[] values = source.ToSingles();
            float[] grid = PositionEmbeddingResampling.Resize(values.AsSpan(channels), side, side, target[0], target[^1], channels, filter);
            report.Absolute($"{group}/out", [.. values.AsSpan(0, channels), .. grid], Tolerance);
        }

        return report;
    }
}
