// The page is well-formed, needs nothing from outside, and shows text from files as text.
using System.Xml.Linq;
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Reports;
using BinaryAttention.Models.Tests.Vision;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Reports;

public sealed class FidelityPageTests
{
    private const string Hostile = "</title><script>alert(1)</script><img src=x onerror='alert(1)'>\"&\u202Egpj.\u0007\uD800.png";

    private static readonly Lazy<FidelityReport> Report = new(Create);

    [Fact]
    public void Page_IsWellFormed_AndEveryPictureDecodes()
    {
        XDocument page = Parse(FidelityPage.Create(Report.Value));
        string[] sources = [.. page.Descendants("img").Select(image => image.Attribute("src")!.Value)];
        Assert.All(page.Descendants("img"), image => Assert.False(string.IsNullOrEmpty(image.Attribute("alt")?.Value)));

        // The scale, two photographs, two class rows for each of two layers and heads on both, one whole map twice.
        Assert.Equal(1 + 2 + (2 * 2 * 2 * 2) + 2, sources.Length);
        const string prefix = "data:image/png;base64,";
        Assert.All(sources, source => Assert.StartsWith(prefix, source, StringComparison.Ordinal));
        RgbImage[] pictures = [.. sources.Select(static source => ImageDecoder.Decode(Convert.FromBase64String(source[prefix.Length..]), "picture"))];
        Assert.Contains(pictures, static picture => (picture.Width, picture.Height) == (5, 5));
        Assert.Contains(pictures, static picture => (picture.Width, picture.Height) == (26, 26));
        Assert.Single(page.Descendants("svg"));
    }

    [Fact]
    public void Page_NeedsNothingElse()
    {
        string page = FidelityPage.Create(Report.Value);
        Assert.All((string[])["http:", "https:", "<script", "<link", "url(", "@import", "file:"], word => Assert.DoesNotContain(word, page, StringComparison.OrdinalIgnoreCase));
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme: dark", page, StringComparison.Ordinal);
        Assert.Equal(page, FidelityPage.Create(Create()));
    }

    [Fact]
    public void TextFromOutside_StaysText()
    {
        FidelityReport hostile = Report.Value with
        {
            ModelName = Hostile,
            CommandLine = Hostile,
            ToolVersion = Hostile,
            BinaryAttention = Hostile,
            Remark = Hostile,
            Pictures = Hostile,
            Photographs = [.. Report.Value.Photographs.Select(static picture => picture with { Name = Hostile })],
        };
        XDocument page = Parse(FidelityPage.Create(hostile));
        string[] expected = [.. Parse(FidelityPage.Create(Report.Value with { Remark = "x" })).Descendants().Select(static element => element.Name.LocalName)];
        Assert.Equal(expected, page.Descendants().Select(static element => element.Name.LocalName), StringComparer.Ordinal);
        Assert.DoesNotContain(page.Descendants().Attributes(), static attribute => attribute.Name.LocalName.StartsWith("on", StringComparison.OrdinalIgnoreCase));
        string shown = "</title><script>alert(1)</script><img src=x onerror='alert(1)'>\"&\uFFFDgpj.\uFFFD\uFFFD.png";
        Assert.Equal($"Attention fidelity of {shown}", page.Descendants("title").Single().Value);
        Assert.Equal(shown, page.Descendants("code").Single().Value);
        Assert.Equal(shown, page.Descendants("summary").First().Value);
    }

    [Fact]
    public void FiguresThatAreMissing_AreDashes()
    {
        HeadFidelity none = new(double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN);
        var nothing = new MixedAttention([], double.NaN, 0);
        XDocument page = Parse(FidelityPage.Create(Report.Value with { Layers = [[none]], Photographs = [], Sensitivity = new SensitivityReport(1, nothing, [new LayerSensitivity(0, double.NaN, double.NaN, double.NaN)], []) }));
        Assert.Equal("\u2013\u2013", page.Descendants("td").Single(static cell => cell.Parent!.Parent!.Parent!.Element("caption")!.Value.StartsWith("Cosine", StringComparison.Ordinal)).Value);
        Assert.DoesNotContain("NaN", page.ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => FidelityPage.Create(Report.Value with { Layers = [] }));
    }

    private static XDocument Parse(string page)
    {
        const string doctype = "<!DOCTYPE html>\n";
        Assert.StartsWith(doctype, page, StringComparison.Ordinal);
        return XDocument.Parse(page[doctype.Length..]);
    }

    private static FidelityReport Create()
    {
        VisionTransformerConfiguration sizes = new() { ImageHeight = 20, ImageWidth = 20, PatchSize = 4, Width = 24, Depth = 2, HeadCount = 2, MlpRatio = 2, ClassCount = 7 };
        VisionTransformer model = VisionTransformer.Load(new RandomWeights(sizes), sizes);
        AttentionChoice binary = AttentionChoice.All(LayerAttention.OneBit(ValueQuantization.Tiled));
        float[] image = RandomValues.Uniform(1, model.ImageLength);
        var photograph = new RgbImage(20, 20, new byte[3 * 20 * 20]);
        var fidelity = new VisionTransformerFidelity(model, binary);
        fidelity.Add(image);
        return new FidelityReport
        {
            ModelName = "model.safetensors",
            CommandLine = "binattn compare",
            ToolVersion = "1.2.3",
            BinaryAttention = "per-head magnitudes",
            Pictures = "1 pictures",
            Layers = [.. Enumerable.Range(0, 2).Select(layer => (HeadFidelity[])[fidelity.Mean(layer, 0), fidelity.Mean(layer, 1)])],
            Sensitivity = new SensitivitySearch(model, binary, 2).Run(1, _ => image),
            Photographs =
            [
                new FidelityPicture("a.png", photograph, 5, 5, VisionTransformerMaps.Capture(model, binary, image, [(1, 0)])),
                new FidelityPicture("b.png", photograph, 5, 5, VisionTransformerMaps.Capture(model, binary, image, [])),
            ],
        };
    }
}
