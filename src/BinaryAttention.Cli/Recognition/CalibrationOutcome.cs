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
    /// <summary>Runs every model over the test pictures, which are read once; the first is the exact one.</summary>
    public static CalibrationOutcome[] Measure(CalibrationPictures pictures, (string Name, VisionTransformer Model)[] models, CancellationToken cancellationToken)
    {
        var logits = new List<float>[models.Length];
        for (int i = 0; i < models.Length; i++)
        {
            logits[i] = [];
        }

        foreach (int index in pictures.Test)
        {
            float[] pixels = pictures.Set.Read(index);
            for (int i = 0; i < models.Length; i++)
            {
                logits[i].AddRange(models[i].Model.Forward(pixels, cancellationToken));
            }
        }

        int classes = models[0].Model.Configuration.ClassCount;
        int[] labels = pictures.HasLabels ? [.. pictures.Test.Select(pictures.Set.Label)] : [];
        float[] exact = [.. logits[0]];
        return [.. models.Select((model, i) => new CalibrationOutcome(
            model.Name,
            Accuracy.Agreement(exact, [.. logits[i]], classes),
            LogitDivergence.Mean(exact, [.. logits[i]], classes),
            pictures.HasLabels ? Accuracy.Top1([.. logits[i]], classes, labels) : double.NaN))];
    }
}
