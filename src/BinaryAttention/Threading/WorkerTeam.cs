// Threads of its own that sleep between runs: a run wakes them, takes part as worker 0 and allocates nothing. The threads start with the first run that wants them and hold on to the crew only, so
// that a team whose owner forgot it is collected and sends them home.
namespace BinaryAttention.Threading;

internal sealed class WorkerTeam : TileLoop
{
    private readonly Crew _crew;
    private int _started;

    public WorkerTeam(int workers)
        : base(workers) => _crew = new Crew(Job);

#pragma warning disable MA0055 // threads must not wait for ever for a plan that its owner forgot to dispose
    ~WorkerTeam() => _crew.Stop();
#pragma warning restore MA0055

    public override void Dispose()
    {
        _crew.Stop();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    protected override void WorkTogether(int workers)
    {
        for (; _started < workers - 1; _started++)
        {
            _crew.Start(_started + 1);
        }

        _crew.Work(workers - 1);
        GC.KeepAlive(this);
    }

#pragma warning disable CA1001 // neither semaphore holds a handle, and a thread may still wait on one when the team goes
    private sealed class Crew
#pragma warning restore CA1001
    {
        private readonly TileJob _job;
        private readonly Action _waitForHelpers;
        private readonly SemaphoreSlim _start = new(0);
        private readonly SemaphoreSlim _finished = new(0);
        private volatile bool _isStopped;
        private int _threads;
        private int _working;

        public Crew(TileJob job)
        {
            _job = job;
            _waitForHelpers = _finished.Wait;
        }

        public void Start(int worker)
        {
            _threads++;
            var thread = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"BinaryAttention worker {worker}" };
            thread.UnsafeStart(); // not the first caller's execution context, which would live as long as the thread
        }

        // Every helper that is woken works and signs off, even if the same thread is woken twice; the last one releases the caller. (Not a CountdownEvent: its count reaches zero before its event is set,
        // so a caller may go on, reset it for the next run and find it set by the last run's late helper.)
        public void Work(int helpers)
        {
            Volatile.Write(ref _working, helpers);
            _start.Release(helpers);
            _job.Work(worker: 0);
            Uninterrupted.Run(_waitForHelpers);
        }

        public void Stop()
        {
            if (!_isStopped)
            {
                _isStopped = true;
                _start.Release(Math.Max(_threads, 1));
            }
        }

        private void Serve(int worker)
        {
            while (true)
            {
                _start.Wait();
                bool isLast = _isStopped;
                if (!isLast)
                {
                    _job.Work(worker);
                }

                // Also when stopped: a caller in the middle of a run must not wait for ever.
                if (Interlocked.Decrement(ref _working) == 0)
                {
                    _finished.Release();
                }

                if (isLast)
                {
                    return;
                }
            }
        }
    }
}
