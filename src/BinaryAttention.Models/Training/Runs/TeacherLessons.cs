// What a teacher adds to the loss: its classes or probabilities on the batch as augmented, and its attention maps.
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Configuration;
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
            wanted = teacher.Forward(tape, images, new ForwardPass { Observe = NeedsMaps ? teacherTaps.Add : null }).Values.ToArray();
        }

        DistillationKind kind = section.Distillation switch { "soft" => DistillationKind.Soft, "hard" => DistillationKind.Hard, _ => DistillationKind.None };
        Variable loss = LossFunctions.Distillation(labelled ?? tape.Constant([0f], "no labels"), logits, wanted, kind, section.DistillationShare, section.Temperature);
        return loss;
    }
}
