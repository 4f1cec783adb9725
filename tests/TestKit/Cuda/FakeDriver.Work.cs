// The work of streams. It is queued and runs as late as a real device may run it: when somebody waits for its stream or for an event behind it, or when memory is freed, which waits for
// everything. Host memory that is changed, unpinned or freed before is then read or written too late, and the test sees it. Streams know no order among themselves; a synchronous copy waits for
// the default stream and for streams that were not made non-blocking.
namespace TestKit.Cuda;

public sealed unsafe partial class FakeDriver
{
    private const uint NonBlocking = 1;

    private readonly Dictionary<nint, Queue<Action>> _queues = [];

    private int Submit(nint stream, Action work) => Submit(stream, null, work);

    // Queues work, or records it while its stream is captured. A launch counts as soon as it is queued.
    private int Submit(nint stream, FakeLaunch? launch, Action work)
    {
        if (stream != 0 && StateOf(stream) is not { Kind: "stream" })
        {
            return InvalidHandle;
        }

        if (stream != 0 && _handles[stream].Recording is { } recording)
        {
            recording.Add((launch, work));
            return 0;
        }

        if (launch is not null)
        {
            _launches.Enqueue(launch);
        }

        if (!_queues.TryGetValue(stream, out Queue<Action>? queue))
        {
            _queues.Add(stream, queue = new Queue<Action>());
        }

        queue.Enqueue(work);
        return 0;
    }

    // Runs what a stream holds; what comes after a failure is lost, as on a device.
    private void Finish(nint stream)
    {
        if (!_queues.Remove(stream, out Queue<Action>? queue))
        {
            return;
        }

        while (queue.TryDequeue(out Action? work))
        {
            work();
        }
    }

    // What a synchronous copy waits for.
    private void FinishBlocking()
    {
        foreach (nint stream in _queues.Keys.Where(stream => stream == 0 || StateOf(stream) is { IsNonBlocking: false }).ToArray())
        {
            Finish(stream);
        }
    }

    // Before memory is freed. A failure of the work is no failure of the free.
    private void FinishAll()
    {
        foreach (nint stream in _queues.Keys.ToArray())
        {
            try
            {
                Finish(stream);
            }
            catch (Exception problem)
            {
                _faults.Add($"queued work: {problem.GetType().Name}: {problem.Message}");
            }
        }
    }
}
