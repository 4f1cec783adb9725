// Runs independent pieces of work on at most so many threads. Pieces share nothing and each is computed the same way whoever takes it, so results have the same bits at
// any number of threads. Pieces here take seconds: ordinary pool threads will do.
namespace BinaryAttention.Models.Calibration;

internal static class WorkItems
{
    public static void Run(int count, int? maxDegreeOfParallelism, Action<int> piece, CancellationToken cancellationToken)
    {
        int workers = Math.Min(maxDegreeOfParallelism ?? Environment.ProcessorCount, count), next = -1;
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellationToken }, _ =>
        {
            for (int i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
            {
                piece(i);
            }
        });
    }
}
