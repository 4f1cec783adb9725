// The photographs: the class token's attention over the patches in every layer and head, exact beside one-bit, and whole maps of chosen heads.
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Metrics;

namespace BinaryAttention.Models.Reports;

internal static class PictureSection
{
    private const int RampPixels = 128;

    // Single columns, that of the class token above all, are so bright that a scale to the very end would leave the rest dark.
    private const double ScaleShare = 0.99;

    public static void Write(HtmlText html, FidelityReport report)
    {
        html.Write($"<h2>What the class token looks at</h2>\n<p>In each pair exact attention is on the left, one-bit attention on the right, over the patches of the photograph; both share one scale, whose end is the pair&#39;s largest probability (given with each pair).</p>\n");
        html.Write($"<p class=\"legend\">0 <img class=\"ramp\" alt=\"colour scale\" src=\"{Ramp()}\"/> largest</p>\n");
        for (int i = 0; i < report.Photographs.Count; i++)
        {
            // The first is shown at once, the others at a click.
            if (i == 0)
            {
                html.Write($"<details open=\"open\">");
            }
            else
            {
                html.Write($"<details>");
            }

            WritePicture(html, report.Photographs[i], report.Layers.Count, report.Layers[0].Count);
            html.Write($"</details>\n");
        }

        if (report.Photographs.Any(static picture => picture.Maps.Heads.Count > 0))
        {
            html.Write($"<h2>Whole attention maps</h2>\n<p>Rows are queries, columns keys; the class token is the first of both.</p>\n");
        }

        foreach (FidelityPicture picture in report.Photographs)
        {
            foreach (HeadMaps maps in picture.Maps.Heads)
            {
                WriteMaps(html, picture.Name, maps, report.Layers[maps.Layer][maps.Head]);
            }
        }
    }

    private static void WritePicture(HtmlText html, FidelityPicture picture, int layers, int heads)
    {
        html.Write($"<summary><bdi>{picture.Name}</bdi></summary>\n<div class=\"side\"><figure><img class=\"photo\" alt=\"the photograph\" src=\"{HeatPicture.DataUri(picture.Photograph)}\"/><figcaption><bdi>{picture.Name}</bdi>, as the model sees it</figcaption></figure>\n");
        html.Write($"<div class=\"scroll\"><table><thead><tr><th scope=\"col\">layer</th>");
        for (int head = 0; head < heads; head++)
        {
            html.Write($"<th scope=\"col\">head {head}</th>");
        }

        html.Write($"</tr></thead>\n<tbody>\n");
        int patches = picture.Maps.PatchCount;
        for (int layer = 0; layer < layers; layer++)
        {
            html.Write($"<tr><th scope=\"row\">{layer}</th>");
            for (int head = 0; head < heads; head++)
            {
                int first = ((layer * heads) + head) * patches;
                ReadOnlySpan<float> exact = picture.Maps.ExactClassRows.AsSpan(first, patches), binary = picture.Maps.BinaryClassRows.AsSpan(first, patches);
                float largest = HeatPicture.Largest(exact, binary);
                html.Write($"<td class=\"pair\"><img class=\"heat\" alt=\"layer {layer}, head {head}, exact\" src=\"{HeatPicture.DataUri(exact, picture.GridHeight, picture.GridWidth, largest)}\"/>");
                html.Write($"<img class=\"heat\" alt=\"layer {layer}, head {head}, one-bit\" src=\"{HeatPicture.DataUri(binary, picture.GridHeight, picture.GridWidth, largest)}\"/><small>{largest:G2}</small></td>");
            }

            html.Write($"</tr>\n");
        }

        html.Write($"</tbody></table></div></div>\n");
    }

    private static void WriteMaps(HtmlText html, string name, HeadMaps maps, HeadFidelity figures)
    {
        float end = HeatPicture.Quantile(maps.Exact.Values, maps.Binary.Values, ScaleShare);
        html.Write($"<h3>Layer {maps.Layer}, head {maps.Head} on <bdi>{name}</bdi></h3>\n");
        WriteMap(html, "exact", maps.Exact, end);
        WriteMap(html, "one-bit", maps.Binary, end);
        html.Write($"<p class=\"legend\">Scale 0 to {end:G3}; {1 - ScaleShare:P0} of the cells are brighter than its end. Over all pictures this head has a KL divergence of {FidelityTables.Figure(figures.MapDivergence, "F3")} nats and a cosine similarity of {FidelityTables.Figure(figures.MapCosine, "F3")}.");
        if (maps.Exact.CellSide > 1)
        {
            html.Write($" Each cell is the mean of up to {maps.Exact.CellSide} x {maps.Exact.CellSide} pairs.");
        }

        html.Write($"</p>\n");
    }

    private static void WriteMap(HtmlText html, string kind, AttentionMap map, float end) =>
        html.Write($"<figure><img class=\"map\" alt=\"{kind} attention map\" src=\"{HeatPicture.DataUri(map.Values, map.Rows, map.Columns, end)}\"/><figcaption>{kind}, {map.Rows} x {map.Columns} cells</figcaption></figure>\n");

    // Linear in the colour's place on the ramp: the scale of the maps is that place squared.
    private static string Ramp()
    {
        var pixels = new byte[3 * RampPixels];
        for (int i = 0; i < RampPixels; i++)
        {
            (pixels[3 * i], pixels[(3 * i) + 1], pixels[(3 * i) + 2]) = ColourRamp.At(Math.Sqrt((double)i / (RampPixels - 1)));
        }

        return HeatPicture.DataUri(new RgbImage(RampPixels, 1, pixels));
    }
}
