// DeiT-Tiny on six photographs against the official model's answers (float32 weights). The sample weights are float16, which moves logits slightly.
using System.Globalization;
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class DeitTinyTests(ITestOutputHelper output)
{
    private static readonly string Data = Path.Combine(AppContext.BaseDirectory, "Data");
    private static readonly Lazy<VisionTransformer> Model = new(static () => VisionTransformer.Load(Path.Combine(Data, "deit_tiny_patch16_224.f16.safetensors")));
    private static readonly Lazy<float[]> Images = new(static () => [.. Rows().SelectMany(static row => ImagePreprocessing.DeiT.Apply(ImageDecoder.DecodeFile(Path.Combine(Data, row["file"]))))]);

    [Fact]
    public void Configuration_IsReadOffTheShapes() => Assert.Equal(VisionTransformerConfiguration.DeitTiny224, Model.Value.Configuration);

    [Fact]
    public void Exact_GivesTheOfficialAnswers()
    {
        float[] logits = Model.Value.Forward(Images.Value);
        foreach ((Dictionary<string, string> row, ClassScore[] best) in Answers(logits, "fp32"))
        {
            Assert.Equal(row["fp32_top1"], best[0].ClassIndex.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(float.Parse(row["fp32_logit1"], CultureInfo.InvariantCulture), best[0].Logit, 0.05f);
            float second = float.Parse(row["fp32_logit2"], CultureInfo.InvariantCulture);
            Assert.Equal(second, logits[(Index(row) * 1000) + int.Parse(row["fp32_top2"], CultureInfo.InvariantCulture)], 0.05f);
        }
    }

    // One-bit attention is discontinuous: a query or key channel near zero changes its sign with the float16 weights, so most top classes are asked for, not all,
    // and the logit of the official top class only roughly.
    [Theory]
    [InlineData("attn", ValueQuantization.Full)]
    [InlineData("attn_pv", ValueQuantization.TrainingParity)]
    public void OneBit_MostlyGivesTheOfficialAnswers(string variant, ValueQuantization quantization)
    {
        VisionTransformer model = Model.Value.With(new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.OneBit(quantization)) });
        float[] logits = model.Forward(Images.Value);
        int same = 0;
        foreach ((Dictionary<string, string> row, ClassScore[] best) in Answers(logits, variant))
        {
            int official = int.Parse(row[variant + "_top1"], CultureInfo.InvariantCulture);
            same += best[0].ClassIndex == official ? 1 : 0;
            Assert.Equal(float.Parse(row[variant + "_logit1"], CultureInfo.InvariantCulture), logits[(Index(row) * 1000) + official], 0.6f);
        }

        Assert.True(same >= 4, $"{same} of 6 top classes are the official ones; at least 4 are expected");
    }

    private static IReadOnlyList<Dictionary<string, string>> Rows()
    {
        string[] lines = File.ReadAllLines(Path.Combine(Data, "deit_tiny_photos.csv"));
        string[] columns = lines[0].Split(',');
        return [.. lines.Skip(1).Select(line => columns.Zip(line.Split(',')).ToDictionary(static pair => pair.First, static pair => pair.Second, StringComparer.Ordinal))];
    }

    private static int Index(Dictionary<string, string> row) => Rows().Select(static other => other["file"]).ToList().IndexOf(row["file"]);

    private IEnumerable<(Dictionary<string, string> Row, ClassScore[] Best)> Answers(float[] logits, string variant)
    {
        foreach (Dictionary<string, string> row in Rows())
        {
            ClassScore[] best = [.. Classification.TopK(logits.AsSpan(Index(row) * 1000, 1000), 2)];
            output.WriteLine($"{row["file"]} {variant}: {best[0].ClassIndex} {best[0].Logit:F4}, {best[1].ClassIndex} {best[1].Logit:F4}; official {row[variant + "_top1"]} {row[variant + "_logit1"]}, {row[variant + "_top2"]} {row[variant + "_logit2"]}");
            yield return (row, best);
        }
    }
}
