// Workers borrowed from the thread pool for one run. Those that a busy pool lends too late find the run closed and go away again; their tiles were taken by the others.
namespace BinaryAttention.Threading;

internal sealed class PoolLoop : TileLoop, IThreadPoolWorkItem
{
    private readonly object _gate = new();
    private readonly Action _close;
    private int _places;
    private int _helpers;
    private int _working;

    public PoolLoop(int workers)
        : base(workers) => _close = Close;

    /// <summary>A helper's turn.</summary>
    public void Execute()
    {
        int worker;
        lock (_gate)
        {
            // A helper of an earlier run may come now; it is as welcome as any, while there are places.
            if (_helpers == _places)
            {
                return;
            }

            worker = ++_helpers;
            _working++;
        }

        Job.Work(worker);
        lock (_gate)
        {
            _working--;
            Monitor.PulseAll(_gate);
        }
    }

    protected override void WorkTogether(int workers)
    {
        lock (_gate)
        {
            _places = workers - 1;
            _helpers = 0;
        }

        for (int helper = 1; helper < workers; helper++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        Job.Work(worker: 0);
        Uninterrupted.Run(_close);
    }

    // From here on nobody joins; waits for those who have.
    private void Close()
    {
        lock (_gate)
        {
            _places = 0;
            _helpers = 0;
            while (_working > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }
}
