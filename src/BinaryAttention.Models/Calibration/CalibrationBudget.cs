// Fits learning into a time. The first head that is about to learn tells what a step costs: a few steps on a copy of its codes are timed, the slowest left out as the compiler's. From the time that is left, the threads
// and the heads to come follows a number of steps; fewer steps get larger ones (StepSize grows with the root of what is missing, at most twice), and below a hundred the closed form is better. Learning stops at the
// deadline in any case. Without a budget nothing is measured and nothing depends on the clock.
using System.Diagnostics;

namespace BinaryAttention.Models.Calibration;

internal sealed class CalibrationBudget(CalibrationOptions options, int heads)
{
    /// <summary>With fewer steps learned codes are no better than the closed form's.</summary>
    public const int LeastSteps = 100;

    private const int TrialSteps = 4;

    // Of the time that is left: loading, closed forms and the last heads, for which not all threads have work.
    private const double Usable = 0.8;

    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Lock _choosing = new();
    private CalibrationOptions? _chosen = options.Budget is null || options.Recipe == CalibrationRecipe.ClosedForm ? options : null;

    /// <summary>The options as they were used.</summary>
    public CalibrationOptions Chosen => _chosen ?? options;

    /// <summary>Whether the time is over.</summary>
    public bool IsOver => options.Budget is { } budget && Stopwatch.GetElapsedTime(_start) >= budget;

    /// <summary>Chooses the steps, once; the others wait for the choice.</summary>
    /// <param name="trial">Runs a number of steps whose result is thrown away.</param>
    public CalibrationOptions Choose(Action<int> trial)
    {
        lock (_choosing)
        {
            return _chosen ??= Fit(SecondsPerStep(trial));
        }
    }

    /// <summary>The options for a cost of a step.</summary>
    public CalibrationOptions Fit(double secondsPerStep)
    {
        double left = (options.Budget!.Value - Stopwatch.GetElapsedTime(_start)).TotalSeconds * Usable;
        int threads = Math.Min(options.MaxDegreeOfParallelism ?? Environment.ProcessorCount, heads);
        double steps = left * threads / (secondsPerStep * heads);
        if (steps >= options.Steps)
        {
            return options;
        }

        return steps < LeastSteps
            ? options with { Recipe = CalibrationRecipe.ClosedForm }
            : options with { Steps = (int)steps, StepSize = options.StepSize * (float)Math.Min(2, Math.Sqrt(options.Steps / Math.Floor(steps))) };
    }

    private static double SecondsPerStep(Action<int> trial)
    {
        trial(1);
        long start = Stopwatch.GetTimestamp();
        trial(TrialSteps);
        return Stopwatch.GetElapsedTime(start).TotalSeconds / TrialSteps;
    }
}
