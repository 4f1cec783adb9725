// Runs labelled pictures through a model with one or several kinds of attention and counts. A picture that cannot be read is reported and left out of every figure.
using System.Diagnostics;
using BinaryAttention.Cli.Console;
using BinaryAttention.Formats;

namespace BinaryAttention.Cli.Recognition;

internal static class Evaluation
{
    private const int TopCount = 5;

    /// <summary>One set of totals for each measured model, in order.</summary>
    /// <param name="context">Streams and cancellation.</param>
    /// <param name="set">The pictures.</param>
    /// <param name="measured">The models to count for.</param>
    /// <param name="exact">The model with exact attention, asked too where it is not measured.</param>
    public static EvaluationTotals[] Run(CliContext context, IEvaluationSet set, Recognizer[] measured, Recognizer exact)
    {
        for (int i = 0; i < set.Count; i++)
        {
            if (set.Label(i) >= exact.ClassCount)
            {
                throw new BadInputException($"{set.Describe(i)} has label {set.Label(i)}, but the model has {exact.ClassCount} classes, 0 to {exact.ClassCount - 1}. Check that labels and model belong together.");
            }
        }

        foreach (Recognizer recognizer in measured)
        {
            recognizer.WarmUp(context.Cancellation);
        }

        EvaluationTotals[] totals = [.. measured.Select(recognizer => new EvaluationTotals { Mode = recognizer.Mode, IsTrainedOneBit = recognizer.IsTrainedOneBit })];
        ProgressReport.Run(context, "evaluating", set.Count, advance =>
        {
            for (int i = 0; i < set.Count; i++)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                Count(context, set, i, measured, exact, totals);
                advance();
            }
        });
        return totals;
    }

    private static void Count(CliContext context, IEvaluationSet set, int index, Recognizer[] measured, Recognizer exact, EvaluationTotals[] totals)
    {
        long start = Stopwatch.GetTimestamp();
        float[] pixels;
        try
        {
            pixels = set.Read(index);
        }
        catch (FileFormatException problem)
        {
            // Hours of finished work are worth more than one picture.
            context.Report(PlainMessage.Of(problem));
            Array.ForEach(totals, static counts => counts.AddUnreadable());
            return;
        }

        double reading = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        int exactBest = measured.Contains(exact) ? -1 : Predictions.TopIndices(exact.Logits(pixels, context.Cancellation), 1)[0];
        for (int i = 0; i < measured.Length; i++)
        {
            long asked = Stopwatch.GetTimestamp();
            int[] best = Predictions.TopIndices(measured[i].Logits(pixels, context.Cancellation), TopCount);
            double milliseconds = Stopwatch.GetElapsedTime(asked).TotalMilliseconds;
            exactBest = measured[i] == exact ? best[0] : exactBest;
            totals[i].Add(set.Label(index), best, exactBest, milliseconds, reading);
        }
    }
}
