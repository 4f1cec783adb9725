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

#pragma warning disable CA1001 // neither of the two holds a handle, and a thread may still wait on them when the team goes
    private sealed class Crew(TileJob job)
#pragma warning restore CA1001
    {
        private readonly SemaphoreSlim _start = new(0);
        private readonly CountdownEvent _working = new(1);
        private volatile bool _isStopped;
        private int _threads;

        public void Start(int worker)
        {
            _threads++;
            var thread = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"BinaryAttention worker {worker}" };
            thread.Start();
        }

        // Every helper that is woken works and signs off, even if the same thread is woken twice; the caller waits for all of them.
        public void Work(int helpers)
        {
            _working.Reset(helpers + 1);
            _start.Release(helpers);
            job.Work(worker: 0);
            _working.Signal();
            _working.Wait();
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
                if (_isStopped)
                {
                    return;
                }

                job.Work(worker);
                _working.Signal();
            }
        }
    }
}
