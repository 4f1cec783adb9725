// From logits to named classes, most probable first.
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Recognition;

internal static class Predictions
{
    public static Prediction[] Top(ReadOnlySpan<float> logits, int count)
    {
        int classCount = logits.Length;
        return [.. Classification.TopK(logits, count).Select(score => new Prediction(score.ClassIndex, Name(score.ClassIndex, classCount), score.Probability))];
    }

    public static int[] TopIndices(ReadOnlySpan<float> logits, int count) => [.. Classification.TopK(logits, count).Select(score => score.ClassIndex)];

    // Only a model of as many classes as ImageNet-1k is taken for one of it.
    private static string Name(int index, int classCount) => classCount == ImageNetClasses.Names.Count ? ImageNetClasses.Name(index) : $"class {index}";
}
