// Runs labelled pictures through a model with one or several kinds of attention and counts. A picture that cannot be read is reported and left out of every figure.
using System.Diagnostics;
using BinaryAttention.Cli.Console;
using BinaryAttention.Formats;
using BinaryAttention.Models.Metrics;

namespace BinaryAttention.Cli.Recognition;

internal static class Evaluation
{
    private const int TopCount = 5;

    /// <summary>One set of totals for each measured model, in order.</summary>
    /// <param name="context">Streams and cancellation.</param>
    /// <param name="set">The pictures.</param>
    /// <param name="measured">The models to count for.</param>
    /// <param name="exact">The model with exact attention and float32 linear layers, asked too where it is not measured.</param>
    public static EvaluationTotals[] Run(CliContext context, IEvaluationSet set, Recognizer[] measured, Recognizer exact)
    {
        RequireLabels(set, exact.ClassCount);
        foreach (Recognizer recognizer in measured)
        {
            recognizer.WarmUp(context.Cancellation);
        }

        EvaluationTotals[] totals = [.. measured.Select(recognizer => new EvaluationTotals { Mode = recognizer.Mode, Linear = recognizer.Model.Options.LinearPrecision, IsTrainedOneBit = recognizer.IsTrainedOneBit })];
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

    /// <summary>Refuses labels that the model has no class for.</summary>
    public static void RequireLabels(IEvaluationSet set, int classCount)
    {
        for (int i = 0; i < set.Count; i++)
        {
            if (set.Label(i) >= classCount)
            {
                throw new BadInputException($"{set.Describe(i)} has label {set.Label(i)}, but the model has {classCount} classes, 0 to {classCount - 1}. Check that labels and model belong together.");
            }
        }
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
        float[]? exactLogits = measured.Contains(exact) ? null : exact.Logits(pixels, context.Cancellation);
        for (int i = 0; i < measured.Length; i++)
        {
            long asked = Stopwatch.GetTimestamp();
            float[] logits = measured[i].Logits(pixels, context.Cancellation);
            double milliseconds = Stopwatch.GetElapsedTime(asked).TotalMilliseconds;
            exactLogits = measured[i] == exact ? logits : exactLogits ?? throw new InvalidOperationException("The exact model must be measured first.");
            totals[i].Add(
                set.Label(index), Predictions.TopIndices(logits, TopCount), Predictions.TopIndices(exactLogits, 1)[0], LogitDivergence.Mean(exactLogits, logits, logits.Length), milliseconds, reading);
        }
    }
}
