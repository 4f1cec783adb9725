// Runs a network with the kernels of inference over a set, some pictures on every thread: the same logits as `binattn evaluate` gives. Nothing depends on the number of threads.
using System.Runtime.ExceptionServices;
using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Evaluation;

internal static class ModelMeasurer
{
    // One pass of the network; its speed does not grow with more.
    private const int Chunk = 8;

    /// <summary>Measures on the labels of a set, or on other ones.</summary>
    /// <param name="model">The network.</param>
    /// <param name="images">The pictures.</param>
    /// <param name="pipeline">How pictures become input.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="labels">Labels in place of the set's own; null for those.</param>
    /// <param name="cancellationToken">Checked between passes.</param>
    public static Measurement Measure(VisionTransformer model, ImageSet images, ImagePipeline pipeline, int threads, int[]? labels, CancellationToken cancellationToken)
    {
        int classes = model.Configuration.ClassCount;
        float[] logits = Logits(model, images, pipeline, threads, cancellationToken);
        var confusion = new int[classes][];
        for (int i = 0; i < classes; i++)
        {
            confusion[i] = new int[classes];
        }

        int correct = 0;
        double loss = 0;
        for (int i = 0; i < images.Count; i++)
        {
            ReadOnlySpan<float> row = logits.AsSpan(i * classes, classes);
            int label = labels is null ? images.Label(i) : labels[i], first = First(row);
            confusion[label][first]++;
            correct += first == label ? 1 : 0;
            loss += CrossEntropy(row, label);
        }

        return new Measurement { Count = images.Count, Correct = correct, Loss = loss / images.Count, Confusion = confusion };
    }

    /// <summary>The class that comes first for each picture.</summary>
    public static int[] Predict(VisionTransformer model, ImageSet images, ImagePipeline pipeline, int threads, CancellationToken cancellationToken)
    {
        int classes = model.Configuration.ClassCount;
        float[] logits = Logits(model, images, pipeline, threads, cancellationToken);
        return [.. Enumerable.Range(0, images.Count).Select(i => First(logits.AsSpan(i * classes, classes)))];
    }

    /// <summary>The largest of some logits, the first of equals.</summary>
    public static int First(ReadOnlySpan<float> logits)
    {
        int first = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            first = logits[i] > logits[first] ? i : first;
        }

        return first;
    }

    private static float[] Logits(VisionTransformer model, ImageSet images, ImagePipeline pipeline, int threads, CancellationToken cancellationToken)
    {
        VisionTransformer single = model.With(model.Options with { MaxDegreeOfParallelism = 1 });
        int classes = model.Configuration.ClassCount, chunks = (images.Count + Chunk - 1) / Chunk;
        var logits = new float[images.Count * classes];
        try
        {
            Parallel.For(0, chunks, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken }, chunk =>
            {
                int first = chunk * Chunk, count = Math.Min(Chunk, images.Count - first);
                var pixels = new float[count * pipeline.Length];
                for (int i = 0; i < count; i++)
                {
                    pipeline.Measure(images.Image(first + i), pixels.AsSpan(i * pipeline.Length, pipeline.Length));
                }

                single.Forward(pixels, logits.AsSpan(first * classes, count * classes), cancellationToken);
            });
        }
        catch (AggregateException several)
        {
            // A damaged picture is to be told as what it is.
            ExceptionDispatchInfo.Throw(several.Flatten().InnerExceptions[0]);
        }

        return logits;
    }

    private static double CrossEntropy(ReadOnlySpan<float> logits, int label)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - largest);
        }

        return largest + Math.Log(sum) - logits[label];
    }
}
