// What a calibration answers: a table for people, or one JSON line per layer and one in total.
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Cli.Console;
using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Cli.Recognition;

internal static class CalibrationOutput
{
    public static void Write(CliContext context, bool json, ModelCodes codes, CalibrationOutcome[] outcomes, CalibrationPictures pictures, string output, string? page, double seconds)
    {
        if (json)
        {
            WriteJson(context, codes, outcomes, pictures, output, page, seconds);
            return;
        }

        NumberTable.Write(
            Terminal.ForOutput(context),
            InWords(pictures),
            ["attention", ">agreement with exact %", ">KL, nats", ">top-1 %"],
            [.. outcomes.Select(static outcome => (string[])[outcome.Attention, Percent(outcome.Agreement), outcome.Divergence.ToString("F3", CultureInfo.InvariantCulture), Percent(outcome.Top1)])]);
        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{output}: codes for {codes.Layers.Count} layers{Others(codes)}, {seconds:F0} s, at most {PeakBytes() / 1e9:F2} GB of memory. Run it with --attention binary."));
    }

    public static string InWords(CalibrationPictures pictures) => string.Create(
        CultureInfo.InvariantCulture,
        $"{pictures.Test.Length} pictures{(pictures.IsTestFit ? " (those fitted on: there are no others)" : " not fitted on")}, 8-bit probabilities and values");

    public static string Percent(double share) => double.IsNaN(share) ? "-" : (100 * share).ToString("F1", CultureInfo.InvariantCulture);

    /// <summary>The most memory that the process has held so far.</summary>
    public static long PeakBytes()
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    private static string Others(ModelCodes codes) =>
        (codes.Options.ExactLayers.Count > 0 ? $", {string.Join(" ", codes.Options.ExactLayers)} exact" : string.Empty) + (codes.Options.EightBitLayers.Count > 0 ? $", {string.Join(" ", codes.Options.EightBitLayers)} in 8 bits" : string.Empty);

    private static void Layers(Utf8JsonWriter writer, string name, IReadOnlyCollection<int> layers)
    {
        writer.WriteStartArray(name);
        foreach (int layer in layers)
        {
            writer.WriteNumberValue(layer);
        }

        writer.WriteEndArray();
    }

    private static void WriteJson(CliContext context, ModelCodes codes, CalibrationOutcome[] outcomes, CalibrationPictures pictures, string output, string? page, double seconds)
    {
        foreach (LayerCodes layer in codes.Layers)
        {
            JsonLine.Write(context.Output, writer =>
            {
                writer.WriteString("kind", "layer");
                writer.WriteNumber("layer", layer.Layer);
                writer.Number("naiveDivergence", layer.NaiveDivergence, 5);
                writer.Number("divergence", layer.Divergence, 5);
            });
        }

        foreach (CalibrationOutcome outcome in outcomes)
        {
            JsonLine.Write(context.Output, writer =>
            {
                writer.WriteString("kind", "outcome");
                writer.WriteString("attention", outcome.Attention);
                writer.Number("agreement", outcome.Agreement);
                writer.Number("divergence", outcome.Divergence);
                writer.Number("top1", outcome.Top1);
            });
        }

        JsonLine.Write(context.Output, writer =>
        {
            writer.WriteString("kind", "total");
            writer.WriteString("output", output);
            writer.WriteString("html", page);
            writer.WriteNumber("images", pictures.Fit.Length);
            writer.WriteNumber("testImages", pictures.Test.Length);
            writer.WriteBoolean("testImagesAreFitted", pictures.IsTestFit);
            writer.WriteString("imagesSha256", pictures.Digest);
            writer.Number("seconds", seconds, 1);
            writer.WriteNumber("peakMemoryBytes", PeakBytes());
            writer.WriteString("recipe", codes.Options.Recipe == CalibrationRecipe.ClosedForm ? "closed-form" : codes.Options.Recipe == CalibrationRecipe.Rotation ? "rotation" : "projection");
            writer.WriteNumber("steps", codes.Options.Recipe == CalibrationRecipe.ClosedForm ? 0 : codes.Options.Steps);
            Layers(writer, "exactLayers", codes.Options.ExactLayers);
            Layers(writer, "eightBitLayers", codes.Options.EightBitLayers);
        });
    }
}
