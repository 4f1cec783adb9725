// What compare prints: tables for people, JSON lines for programs.
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Models.Metrics;

namespace BinaryAttention.Cli.Commands;

internal static class CompareOutput
{
    private const int Digits = 6;

    public static void WriteTables(CliContext context, Comparison comparison, string attention)
    {
        NumberTable.Write(
            Terminal.ForOutput(context),
            $"Attention of each head, {attention}, {comparison.PicturesInWords}",
            [">layer", ">head", ">KL nats", ">KL class row", ">cosine", ">cosine class row", ">output error %", ">class row %", ">signs alone %", ">8-bit part %"],
            [
                .. from layer in Enumerable.Range(0, comparison.Layers.Count)
                   from head in Enumerable.Range(0, comparison.Layers[layer].Count)
                   select HeadRow(layer, head, comparison.Layers[layer][head]),
            ]);
        SensitivityReport sensitivity = comparison.Sensitivity;
        if (sensitivity.Layers.Count > 0)
        {
            NumberTable.Write(
                Terminal.ForOutput(context),
                "Answers of the model, KL against exact attention in nats",
                [">layer", ">this layer alone one-bit", ">this layer alone exact", ">gained by making it exact"],
                [.. sensitivity.Layers.Select(layer => (string[])[Number(layer.Layer), Figure(layer.AloneDivergence, "F4"), Figure(layer.SparedDivergence, "F4"), Figure(layer.Gain, "F4")])]);
        }

        NumberTable.Write(
            Terminal.ForOutput(context),
            "Layers to keep exact",
            ["exact layers", ">KL of the answers, nats", ">agreement with exact %"],
            [.. ((MixedAttention[])[sensitivity.AllBinary, .. sensitivity.Suggestions]).Select(mixture => (string[])[Names(mixture), Figure(mixture.Divergence, "F4"), Figure(100 * mixture.Agreement, "F1")])]);
        if (comparison.IsTrainedOneBit)
        {
            context.Output.WriteLine(AttentionModes.TrainedOneBitRemark);
        }

        if (sensitivity.Suggestions.Count > 0)
        {
            MixedAttention best = comparison.Suggestion, none = sensitivity.AllBinary;
            context.Output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Suggestion: keep {(best.ExactLayers.Count == 1 ? "layer" : "layers")} {Names(best)} exact, in this order. KL {none.Divergence:F3} -> {best.Divergence:F3} nats, agreement {100 * none.Agreement:F1} -> {100 * best.Agreement:F1} %, measured on {comparison.Images} pictures."));
        }
    }

    public static void WriteJson(CliContext context, Comparison comparison, string model, string weighting, string quantization, string? html)
    {
        for (int layer = 0; layer < comparison.Layers.Count; layer++)
        {
            for (int head = 0; head < comparison.Layers[layer].Count; head++)
            {
                JsonLine.Write(context.Output, writer => Head(writer, layer, head, comparison.Layers[layer][head]));
            }
        }

        foreach (LayerSensitivity layer in comparison.Sensitivity.Layers)
        {
            JsonLine.Write(context.Output, writer =>
            {
                writer.WriteString("kind", "layer");
                writer.WriteNumber("layer", layer.Layer);
                writer.Number("aloneDivergence", layer.AloneDivergence, Digits);
                writer.Number("sparedDivergence", layer.SparedDivergence, Digits);
                writer.Number("gain", layer.Gain, Digits);
            });
        }

        foreach (MixedAttention mixture in (MixedAttention[])[comparison.Sensitivity.AllBinary, .. comparison.Sensitivity.Suggestions])
        {
            JsonLine.Write(context.Output, writer =>
            {
                writer.WriteString("kind", "mixture");
                Mixture(writer, mixture);
            });
        }

        JsonLine.Write(context.Output, writer =>
        {
            writer.WriteString("kind", "total");
            writer.WriteString("model", Path.GetFileName(model));
            writer.WriteString("weighting", weighting);
            writer.WriteString("quantization", quantization);
            writer.WriteNumber("found", comparison.Found);
            writer.WriteNumber("images", comparison.Images);
            writer.WriteNumber("unreadable", comparison.Unreadable);
            Mixture(writer, comparison.Suggestion);
            writer.WriteString("html", html);
        });
    }

    private static void Head(Utf8JsonWriter writer, int layer, int head, in HeadFidelity figures)
    {
        writer.WriteString("kind", "head");
        writer.WriteNumber("layer", layer);
        writer.WriteNumber("head", head);
        writer.Number("mapDivergence", figures.MapDivergence, Digits);
        writer.Number("specialRowDivergence", figures.SpecialRowDivergence, Digits);
        writer.Number("mapCosine", figures.MapCosine, Digits);
        writer.Number("specialRowCosine", figures.SpecialRowCosine, Digits);
        writer.Number("outputError", figures.OutputError, Digits);
        writer.Number("specialRowOutputError", figures.SpecialRowOutputError, Digits);
        writer.Number("signError", figures.SignError, Digits);
        writer.Number("quantizationError", figures.QuantizationError, Digits);
    }

    private static void Mixture(Utf8JsonWriter writer, MixedAttention mixture)
    {
        writer.WriteStartArray("exactLayers");
        foreach (int layer in mixture.ExactLayers)
        {
            writer.WriteNumberValue(layer);
        }

        writer.WriteEndArray();
        writer.Number("divergence", mixture.Divergence, Digits);
        writer.Number("agreement", mixture.Agreement, Digits);
    }

    private static string[] HeadRow(int layer, int head, in HeadFidelity figures) =>
    [
        Number(layer), Number(head), Figure(figures.MapDivergence, "F4"), Figure(figures.SpecialRowDivergence, "F4"), Figure(figures.MapCosine, "F4"), Figure(figures.SpecialRowCosine, "F4"),
        Figure(100 * figures.OutputError, "F1"), Figure(100 * figures.SpecialRowOutputError, "F1"), Figure(100 * figures.SignError, "F1"), Figure(100 * figures.QuantizationError, "F2"),
    ];

    private static string Names(MixedAttention mixture) => mixture.ExactLayers.Count == 0 ? "none" : string.Join(", ", mixture.ExactLayers);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Figure(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
