// D_distillation_losses: base criteria and distillation, each with the gradient at the student's logits.
using System.Text.Json;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Losses;

namespace GoldenVectors;

internal sealed class LossChecker : IGoldenChecker
{
    private const double Tolerance = 2e-6;

    public bool Handles(GoldenFile file) => file.Case == "losses";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        GoldenTensor student = file.Input("in/outputs");
        int[] labels = file.Input("in/labels").ToIntegers(), flipped = file.Input("in/labels_flipped").ToIntegers();
        float[] soft = file.Input("in/soft_targets").ToSingles();
        Mixed(file, report, labels, flipped, student.Shape[1]);
        int number = 0;
        foreach (JsonElement settings in file.MetadataJson("cases").EnumerateArray())
        {
            string name = FormattableString.Invariant($"case{number++:00}");
            using var tape = new Tape();
            Variable logits = tape.Leaf(student.ToSingles(), "logits", student.Shape);
            Variable baseLoss = settings.GetProperty("criterion").GetString() switch
            {
                "ce" => LossFunctions.CrossEntropy(logits, labels),
                "label_smoothing_0.1" => LossFunctions.CrossEntropy(logits, labels, 0.1),
                "soft_target" => LossFunctions.SoftTargetCrossEntropy(logits, soft),
                "bce" => LossFunctions.BinaryCrossEntropy(logits, Array.ConvertAll(soft, static value => value > 0 ? 1f : 0f)),
                string other => throw new NotSupportedException($"The criterion {other} is not known."),
                null => throw new InvalidDataException("A case has no criterion."),
            };
            DistillationKind kind = Enum.Parse<DistillationKind>(settings.GetProperty("type").GetString()!, ignoreCase: true);
            Variable loss = LossFunctions.Distillation(baseLoss, logits, file.Input(settings.GetProperty("teacher").GetString()!).ToSingles(), kind, settings.GetProperty("alpha").GetDouble(), settings.GetProperty("tau").GetDouble());
            report.RelativeToMaximum(name + "/loss", loss.Values, Tolerance);
            tape.Backward(loss);
            report.RelativeToMaximum(name + "/grad", logits.Gradient, Tolerance);
        }

        Twins(file, report, student);
        return report;
    }

    // The soft targets are mixup's, from labels and flipped labels.
    private static void Mixed(GoldenFile file, GoldenReport report, int[] labels, int[] flipped, int classes)
    {
        JsonElement mixup = file.MetadataJson("mixup");
        double share = mixup.GetProperty("lam").GetDouble(), smoothing = mixup.GetProperty("smoothing").GetDouble();
        var targets = new double[labels.Length * classes];
        for (int i = 0; i < targets.Length; i++)
        {
            int item = i / classes, k = i % classes;
            targets[i] = (smoothing / classes) + ((1 - smoothing) * ((labels[item] == k ? share : 0) + (flipped[item] == k ? 1 - share : 0)));
        }

        report.RelativeToMaximum("in/soft_targets", targets, Tolerance);
    }

    // Two halves of a batch teach each other: a quarter each of four binary cross entropies, the other half's probabilities taken as constants.
    private static void Twins(GoldenFile file, GoldenReport report, GoldenTensor student)
    {
        GoldenTensor targets = file.Input("cosub/targets");
        int half = student.Count / 2;
        float[] values = student.ToSingles(), gradient = new float[student.Count];
        double total = 0;
        for (int side = 0; side < 2; side++)
        {
            using var tape = new Tape();
            float[] other = [.. values.Skip((1 - side) * half).Take(half).Select(static x => 1 / (1 + MathF.Exp(-x)))];
            Variable logits = tape.Leaf(values.AsSpan(side * half, half), "logits", targets.Shape);
            Variable loss = LossFunctions.WeightedSum((LossFunctions.BinaryCrossEntropy(logits, targets.ToSingles()), 0.25), (LossFunctions.BinaryCrossEntropy(logits, other), 0.25));
            total += loss.Item;
            tape.Backward(loss);
            logits.Gradient.CopyTo(gradient.AsSpan(side * half));
        }

        report.RelativeToMaximum("cosub/loss", [total], Tolerance);
        report.RelativeToMaximum("cosub/grad", gradient, Tolerance);
    }
}
