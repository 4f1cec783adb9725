// Workers borrowed from the thread pool for one run. A busy pool may lend fewer: the others' tiles are then taken by those that came.
namespace BinaryAttention.Threading;

internal sealed class PoolLoop(int workers) : TileLoop(workers)
{
    protected override void WorkTogether(int workers) => Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, Job.Work);
}
