// Runs independent pieces of work on at most so many threads. Pieces share nothing and each is computed the same way whoever takes it, so results have the same bits at
// any number of threads. Pieces here take seconds: ordinary pool threads will do. The first failure stops the others between pieces and comes out as it was thrown.
using System.Runtime.ExceptionServices;

namespace BinaryAttention.Models.Calibration;

internal static class WorkItems
{
    public static void Run(int count, int? maxDegreeOfParallelism, Action<int> piece, CancellationToken cancellationToken)
    {
        int workers = Math.Min(maxDegreeOfParallelism ?? Environment.ProcessorCount, count), next = -1;
        try
        {
            Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellationToken }, (_, state) =>
            {
                for (int i = Interlocked.Increment(ref next); i < count && !state.ShouldExitCurrentIteration; i = Interlocked.Increment(ref next))
                {
                    piece(i);
                }
            });
        }
        catch (AggregateException several)
        {
            // Cancelled pieces beside a failed one say nothing.
            Exception first = several.InnerExceptions.FirstOrDefault(static inner => inner is not OperationCanceledException) ?? several.InnerExceptions[0];
            ExceptionDispatchInfo.Throw(first);
        }
    }
}
