using BinaryAttention.Formats;
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Recognition;

/// <summary>How close one kind of attention comes to exact attention on the test pictures.</summary>
/// <param name="Attention">Its name.</param>
/// <param name="Agreement">Share of pictures with the exact model's first class.</param>
/// <param name="Divergence">Mean divergence of its classes, nats.</param>
/// <param name="Top1">Share of right answers; NaN without labels.</param>
internal sealed record CalibrationOutcome(string Attention, double Agreement, double Divergence, double Top1)
{
    /// <summary>
    /// Runs every model over the test pictures, which are read once; the first is the exact one. A picture that cannot be read is reported and left out: what was found is worth more.
    /// </summary>
    /// <returns>Figures, NaN where no picture could be read, and the pictures that they are of.</returns>
    public static (CalibrationOutcome[] Outcomes, CalibrationPictures Measured) Measure(CliContext context, CalibrationPictures pictures, (string Name, VisionTransformer Model)[] models)
    {
        List<float>[] logits = [.. models.Select(static _ => new List<float>())];
        List<int> readable = [];
        foreach (int index in pictures.Test)
        {
            float[] pixels;
            try
            {
                pixels = pictures.Set.Read(index);
            }
            catch (FileFormatException problem)
            {
                context.Warn($"{PlainMessage.Of(problem).ReplaceLineEndings(" ")} The picture is left out of the figures.");
                continue;
            }

            readable.Add(index);
            for (int i = 0; i < models.Length; i++)
            {
                logits[i].AddRange(models[i].Model.Forward(pixels, context.Cancellation));
            }
        }

        int classes = models[0].Model.Configuration.ClassCount;
        int[] labels = pictures.HasLabels ? [.. readable.Select(pictures.Set.Label)] : [];
        float[] exact = [.. logits[0]];
        return ([.. models.Select((model, i) => Of(model.Name, exact, [.. logits[i]], classes, labels))], pictures with { Test = [.. readable] });
    }

    private static CalibrationOutcome Of(string name, float[] exact, float[] logits, int classes, int[] labels) => logits.Length == 0
        ? new CalibrationOutcome(name, double.NaN, double.NaN, double.NaN)
        : new CalibrationOutcome(name, Accuracy.Agreement(exact, logits, classes), LogitDivergence.Mean(exact, logits, classes), labels.Length > 0 ? Accuracy.Top1(logits, classes, labels) : double.NaN);
}
