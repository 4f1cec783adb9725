// One forward and backward pass over a batch; its gradients add to those of the parameters.
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Autograd.Operations;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Training.Evaluation;
using BinaryAttention.Models.Training.Losses;
using BinaryAttention.Models.Training.Networks;

namespace BinaryAttention.Models.Training.Runs;

internal sealed class TrainingStep(TrainingConfiguration configuration, TrainableVisionTransformer network, TrainableVisionTransformer? teacher, Workspace workspace)
{
    private readonly TeacherLessons? _lessons = teacher is null ? null : new TeacherLessons(configuration.Loss, teacher);

    public Workspace Workspace => workspace;

    /// <summary>Learns from a batch; the loss is the batch's own, its gradient is divided by the batches of a step.</summary>
    /// <returns>The loss, and how many pictures' classes came first.</returns>
    /// <exception cref="NonFiniteException">The loss is not finite; no gradient was changed.</exception>
    public (double Loss, int Correct) Accumulate(TrainingBatch batch)
    {
        using var tape = new Tape(workspace);
        var taps = new List<AttentionTap>();
        var pass = new ForwardPass { Step = batch.Number, Observe = _lessons is { NeedsMaps: true } ? taps.Add : null };
        (Variable logits, Variable? distilled) = network.ForwardHeads(tape, batch.Images, pass);
        if (distilled is not null && configuration.Loss.Distillation == "none")
        {
            // Nobody teaches the second head: the mean of both, which is what inference gives, learns from the labels.
            (logits, distilled) = (logits.Add(distilled).Scale(0.5f), null);
            logits.IsRetained = true;
        }

        Variable? labelled = batch.Targets.Length > 0 ? LossFunctions.SoftTargetCrossEntropy(logits, batch.Targets) : null;
        Variable loss = _lessons is null ? labelled! : _lessons.Loss(tape, labelled, distilled ?? logits, batch.Images, taps);
        double value = loss.Item;
        int correct = CountCorrect(logits, batch.Labels);
        tape.Backward(configuration.Accumulation == 1 ? loss : LossFunctions.WeightedSum((loss, 1.0 / configuration.Accumulation)));
        return (value, correct);
    }

    private static int CountCorrect(Variable logits, int[] labels)
    {
        int classes = logits.Shape[1], correct = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            correct += ModelMeasurer.First(logits.Values.Slice(i * classes, classes)) == labels[i] ? 1 : 0;
        }

        return correct;
    }
}
