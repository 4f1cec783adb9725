// Progress of long work on standard error: a bar on a terminal, else a line now and then. Standard output carries results alone.
using System.Globalization;
using Spectre.Console;

namespace BinaryAttention.Cli.Console;

internal static class ProgressReport
{
    private const double SecondsBetweenLines = 5;

    /// <summary>Runs work that calls its argument once for every finished step.</summary>
    public static void Run(CliContext context, string what, int steps, Action<Action> work)
    {
        if (context.IsErrorInteractive)
        {
            Terminal.ForError(context).Progress().AutoClear(true).HideCompleted(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .Start(progress =>
                {
                    ProgressTask task = progress.AddTask(Markup.Escape(what), maxValue: steps);
                    work(() => task.Increment(1));
                });
            return;
        }

        long last = context.Time.GetTimestamp();
        int done = 0;
        work(() =>
        {
            done++;
            if (context.Time.GetElapsedTime(last).TotalSeconds >= SecondsBetweenLines)
            {
                last = context.Time.GetTimestamp();
                context.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {done} of {steps}"));
            }
        });
    }
}
