// Progress of a run on standard error: one line that is written over on a terminal; plain lines, one an epoch and one now and then, where it is redirected.
using System.Globalization;
using BinaryAttention.Models.Training.Runs;

namespace BinaryAttention.Cli.Training;

internal sealed class ProgressLines(CliContext context)
{
    private const double SecondsBetweenLines = 10, SecondsBetweenUpdates = 0.2;

    private long _last = context.Time.GetTimestamp();
    private int _shown;

    public void Show(TrainingProgress progress)
    {
        bool isTerminal = context.IsErrorInteractive;
        if (!progress.IsEndOfEpoch && context.Time.GetElapsedTime(_last).TotalSeconds < (isTerminal ? SecondsBetweenUpdates : SecondsBetweenLines))
        {
            return;
        }

        _last = context.Time.GetTimestamp();
        string line = Text(progress);
        if (isTerminal)
        {
            context.Error.Write($"\r{line.PadRight(_shown)}");
            _shown = progress.IsEndOfEpoch ? 0 : line.Length;
            if (!progress.IsEndOfEpoch)
            {
                return;
            }

            context.Error.WriteLine();
        }
        else
        {
            context.Error.WriteLine(line);
        }
    }

    public static string Text(TrainingProgress progress)
    {
        string accuracy = double.IsFinite(progress.TrainAccuracy) ? string.Create(CultureInfo.InvariantCulture, $", {100 * progress.TrainAccuracy:F2} % of training pictures") : string.Empty;
        string selection = progress.Selection is { } measured ? string.Create(CultureInfo.InvariantCulture, $", selection {100 * measured.Accuracy:F2} %{(progress.IsBest ? " (best)" : string.Empty)}") : string.Empty;
        TimeSpan left = progress.Remaining;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {progress.Epoch}, step {progress.Step} of {progress.Steps}: loss {progress.Loss:F4}{accuracy}{selection}, {progress.ImagesPerSecond:F0} pictures/s, {(int)left.TotalHours}:{left.Minutes:D2}:{left.Seconds:D2} left");
    }
}
