// What counts as right on the pictures to select by: their labels, or without labels the class that the teacher puts first.
using BinaryAttention.Models.Training.Evaluation;
using BinaryAttention.Models.Training.Networks;

namespace BinaryAttention.Models.Training.Runs;

internal sealed class SelectionLabels(TrainingData data, TrainableVisionTransformer? teacher, int threads)
{
    private int[]? _ofTeacher;

    /// <summary>The teacher's classes, or null where the pictures have labels of their own.</summary>
    public int[]? For(CancellationToken cancellationToken) => data.Select is not { HasLabels: false } pictures
        ? null
        : _ofTeacher ??= ModelMeasurer.Predict(
            (teacher ?? throw new InvalidOperationException("Pictures without labels need a teacher.")).ToInference(), pictures, data.Pipeline, threads, cancellationToken);
}
