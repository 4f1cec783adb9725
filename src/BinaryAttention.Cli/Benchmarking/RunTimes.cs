// Times of repeated runs, and the way in which contenders are run: all warmed up first, then in turns, so that a disturbance of the machine meets all of them alike. The processor's time, that of all
// threads of this process together, leaves out what other processes took meanwhile.
using System.Diagnostics;

namespace BinaryAttention.Cli.Benchmarking;

internal sealed class RunTimes
{
    private const int WarmUpRuns = 30;
    private const double LongestWarmUpSeconds = 1;

    // The compiler's second tier starts about 0.1 s after the first calls; shorter runs would be timed in the first.
    private const double ShortestWarmUpSeconds = 0.3;

    private readonly List<double> _milliseconds = [];
    private readonly List<double> _cpuMilliseconds = [];

    /// <summary>The middle time, or the mean of the middle two.</summary>
    public double Median => Medians.Of(_milliseconds);

    public double Min => _milliseconds.Min();

    /// <summary>The middle processor time.</summary>
    public double CpuMedian => Medians.Of(_cpuMilliseconds);

    /// <summary>Warms every action up and then times each once per round.</summary>
    /// <param name="actions">What is timed.</param>
    /// <param name="repeat">Rounds.</param>
    /// <param name="advance">Called after every timed run.</param>
    /// <param name="cancellationToken">Checked before every run.</param>
    /// <param name="beforeTiming">Called with its index for every action once it is warm.</param>
    public static RunTimes[] Measure(IReadOnlyList<Action> actions, int repeat, Action advance, CancellationToken cancellationToken, Action<int>? beforeTiming = null)
    {
        var times = new RunTimes[actions.Count];
        for (int i = 0; i < times.Length; i++)
        {
            times[i] = new RunTimes();
            WarmUp(actions[i], cancellationToken);
            beforeTiming?.Invoke(i);
        }

        for (int round = 0; round < repeat; round++)
        {
            for (int i = 0; i < times.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                TimeSpan cpu = Environment.CpuUsage.TotalTime;
                long start = Stopwatch.GetTimestamp();
                actions[i]();
                times[i]._milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                times[i]._cpuMilliseconds.Add((Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
                advance();
            }
        }

        return times;
    }

    private static void WarmUp(Action action, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        for (int run = 0; ; run++)
        {
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (seconds >= LongestWarmUpSeconds || (run >= WarmUpRuns && seconds >= ShortestWarmUpSeconds))
            {
                return;
            }

            cancellationToken.ThrowIfCancellationRequested();
            action();
        }
    }
}
