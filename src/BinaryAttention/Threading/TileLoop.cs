// Runs independent tiles on some workers. A tile is told which worker runs it, so that it can use that worker's scratch memory; tiles share nothing else and each is computed the same way
// whoever takes it, so the result has the same bits at any number of workers. A run in progress belongs to one caller.
namespace BinaryAttention.Threading;

internal abstract class TileLoop(int workers) : IDisposable
{
    /// <summary>Most workers that run at a time; workers are numbered from 0.</summary>
    public int Workers { get; } = workers;

    protected TileJob Job { get; } = new();

    /// <summary>A loop for a number of threads.</summary>
    /// <param name="threads">Threads, the caller's own included.</param>
    /// <param name="keepsThreads">Whether threads of its own wait between runs (a plan, run many times without allocating), or the thread pool's are borrowed (a single call).</param>
    public static TileLoop Create(int threads, bool keepsThreads)
    {
        if (threads == 1)
        {
            return new CallerLoop();
        }

        return keepsThreads ? new WorkerTeam(threads) : new PoolLoop(threads);
    }

    /// <summary>Runs tiles 0 .. count - 1. The first failure stops the others and is thrown as it was.</summary>
    /// <param name="count">Number of tiles.</param>
    /// <param name="tile">Receives the tile and the worker that runs it.</param>
    /// <param name="cancellationToken">Checked before every tile.</param>
    public virtual void Run(int count, Action<int, int> tile, CancellationToken cancellationToken)
    {
        Job.Begin(count, tile, cancellationToken);
        try
        {
            if (count <= 1)
            {
                Job.Work(worker: 0);
            }
            else
            {
                WorkTogether(Math.Min(count, Workers));
            }
        }
        finally
        {
            Job.End();
        }
    }

    public virtual void Dispose()
    {
    }

    /// <summary>Lets this many workers, 0 among them, work on the job and returns when all have finished.</summary>
    protected abstract void WorkTogether(int workers);
}
