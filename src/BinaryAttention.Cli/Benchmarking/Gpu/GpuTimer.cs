// Times work on a stream by device events. Short work is captured into a graph several times over, so that the gaps between launches and the events' resolution do not
// count; the median over replays is reported.
using BinaryAttention.Cuda.Driver;

namespace BinaryAttention.Cli.Benchmarking.Gpu;

internal sealed class GpuTimer : IDisposable
{
    // A graph of so much work is long against an event's half microsecond and short against a whole measurement.
    private const double GraphMilliseconds = 2;
    private const int MaxCopies = 100;
    private const int WarmUpReplays = 3;

    private readonly EventHandle _start;
    private readonly EventHandle _end;

    public GpuTimer(PrimaryContext context)
    {
        Stream = StreamHandle.Create(context);
        try
        {
            _start = EventHandle.Create(context);
            _end = EventHandle.Create(context);
        }
        catch
        {
            _start?.Dispose();
            Stream.Dispose();
            throw;
        }
    }

    public StreamHandle Stream { get; }

    /// <summary>Median and least milliseconds of one run of the work.</summary>
    /// <param name="repeat">Timed replays.</param>
    /// <param name="enqueue">Enqueues the work once on <see cref="Stream"/>.</param>
    /// <param name="cancellationToken">Checked between replays.</param>
    public (double Median, double Min) Measure(int repeat, Action enqueue, CancellationToken cancellationToken)
    {
        enqueue();
        Stream.Synchronize();
        double once = Time(enqueue);
        int copies = Math.Clamp((int)Math.Ceiling(GraphMilliseconds / Math.Max(once, 1e-6)), 1, MaxCopies);
        using GraphHandle graph = Stream.Capture(() =>
        {
            for (int copy = 0; copy < copies; copy++)
            {
                enqueue();
            }
        });
        using GraphExecutable executable = graph.Instantiate();
        for (int replay = 0; replay < WarmUpReplays; replay++)
        {
            executable.Launch(Stream);
        }

        var milliseconds = new double[repeat];
        for (int replay = 0; replay < repeat; replay++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            milliseconds[replay] = Time(() => executable.Launch(Stream)) / copies;
        }

        return (Medians.Of(milliseconds), milliseconds.Min());
    }

    public void Dispose()
    {
        _end.Dispose();
        _start.Dispose();
        Stream.Dispose();
    }

    private double Time(Action enqueue)
    {
        _start.Record(Stream);
        enqueue();
        _end.Record(Stream);
        _end.Synchronize();
        return _end.MillisecondsSince(_start);
    }
}
