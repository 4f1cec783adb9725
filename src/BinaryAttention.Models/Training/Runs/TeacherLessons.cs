// What a teacher adds to the loss: its classes or probabilities on the batch as augmented, and its attention maps.
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Evaluation;
using BinaryAttention.Models.Training.Losses;
using BinaryAttention.Models.Training.Networks;

namespace BinaryAttention.Models.Training.Runs;

internal sealed class TeacherLessons(LossSection section, TrainableVisionTransformer teacher)
{
    public bool NeedsMaps => section.AttentionWeight > 0;

    /// <summary>Refuses a teacher that sees other pictures or other classes.</summary>
    public static void RequireFit(TrainableVisionTransformer student, TrainableVisionTransformer? teacher, LossSection section)
    {
        if (teacher is null)
        {
            return;
        }

        var (a, b) = (student.Configuration, teacher.Configuration);
        if (a.ClassCount != b.ClassCount || a.ImageHeight != b.ImageHeight || a.ImageWidth != b.ImageWidth || a.ChannelCount != b.ChannelCount)
        {
            throw new ArgumentException($"loss.teacher takes {b.ChannelCount} x {b.ImageHeight} x {b.ImageWidth} values and has {b.ClassCount} classes; the model takes {a.ChannelCount} x {a.ImageHeight} x {a.ImageWidth} and has {a.ClassCount}. Both must match.");
        }

        if (section.AttentionWeight > 0 && a.Calibration is { Rank: > 0 } form && student.Options.Attention.ForDepth(a.Depth).Any(static layer => layer.IsCalibrated))
        {
            throw new ArgumentException($"loss.attentionWeight compares attention maps, which is not possible with codes of rank {form.Rank}. Set it to 0, or calibrate with rank 0.");
        }

        if (section.AttentionWeight > 0 && (a.Depth != b.Depth || a.HeadCount != b.HeadCount || a.TokenCount != b.TokenCount))
        {
            throw new ArgumentException($"loss.attentionWeight compares attention maps head by head: loss.teacher has {b.Depth} blocks of {b.HeadCount} heads over {b.TokenCount} tokens, the model {a.Depth} of {a.HeadCount} over {a.TokenCount}. Both must match.");
        }
    }

    /// <summary>The whole loss.</summary>
    public Variable Loss(Tape tape, Variable? labelled, Variable logits, float[] images, List<AttentionTap> taps)
    {
        var teacherTaps = new List<AttentionTap>();
        float[] wanted;
        using (tape.WithoutGradients())
        {
            wanted = teacher.Forward(tape, images, new ForwardPass { Observe = NeedsMaps ? Keep : null }).Values.ToArray();
        }

        var parts = new List<(Variable Loss, double Weight)>();
        double share = section.Distillation == "none" ? 0 : section.DistillationShare;
        if (labelled is not null && share < 1)
        {
            parts.Add((labelled, 1 - share));
        }

        if (share > 0)
        {
            parts.Add((section.Distillation == "hard" ? LossFunctions.CrossEntropy(logits, First(wanted, logits.Shape[1])) : LossFunctions.Divergence(logits, wanted, section.Temperature), share));
        }

        for (int i = 0; i < teacherTaps.Count; i++)
        {
            parts.Add((AttentionSimilarity.Loss(taps[i], teacherTaps[i]), section.AttentionWeight / teacherTaps.Count));
        }

        return LossFunctions.WeightedSum([.. parts]);

        void Keep(AttentionTap tap)
        {
            tap.Source.IsRetained = true;
            teacherTaps.Add(tap);
        }
    }

    private static int[] First(float[] logits, int classes) => [.. Enumerable.Range(0, logits.Length / classes).Select(item => ModelMeasurer.First(logits.AsSpan(item * classes, classes)))];
}
