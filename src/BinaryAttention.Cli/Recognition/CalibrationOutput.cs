// What a calibration answers: a table for people, or one JSON line per layer and one in total.
using System.Globalization;
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
        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{output}: codes for {codes.Layers.Count} layers, {seconds:F0} s. Run it with --attention binary."));
    }

    public static string InWords(CalibrationPictures pictures) => string.Create(
        CultureInfo.InvariantCulture,
        $"{pictures.Test.Length} pictures{(pictures.IsTestFit ? " (those fitted on: there are no others)" : " not fitted on")}, 8-bit probabilities and values");

    public static string Percent(double share) => double.IsNaN(share) ? "-" : (100 * share).ToString("F1", CultureInfo.InvariantCulture);

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
        });
    }
}
