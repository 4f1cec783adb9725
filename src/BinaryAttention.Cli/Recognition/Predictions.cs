// From logits to the most probable classes.
using BinaryAttention.Formats.Datasets;

namespace BinaryAttention.Cli.Recognition;

internal static class Predictions
{
    /// <summary>The best classes, most probable first; equal logits in the order of their index.</summary>
    public static Prediction[] Top(ReadOnlySpan<float> logits, int count)
    {
        int[] order = TopIndices(logits, count);
        double largest = logits[order[0]];
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - largest);
        }

        var top = new Prediction[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            top[i] = new Prediction(order[i], Name(order[i], logits.Length), Math.Exp(logits[order[i]] - largest) / sum);
        }

        return top;
    }

    public static int[] TopIndices(ReadOnlySpan<float> logits, int count)
    {
        var order = new int[logits.Length];
        var negated = new float[logits.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
            negated[i] = -logits[i];
        }

        // A stable order for equal logits: sort by value, then by index.
        Array.Sort(order, (a, b) => negated[a] != negated[b] ? negated[a].CompareTo(negated[b]) : a.CompareTo(b));
        return order[..Math.Min(count, order.Length)];
    }

    // Only a model of 1,000 classes is taken for one of ImageNet-1k.
    private static string Name(int index, int classCount) => classCount == ImageNetClasses.Names.Count ? ImageNetClasses.Name(index) : $"class {index}";
}
