// Runs independent tiles, at most so many at a time. Tiles share nothing and each is computed the same way whoever takes it, so the result has the same bits at
// any number of threads.
using System.Runtime.ExceptionServices;

namespace BinaryAttention.Threading;

internal static class TileLoop
{
    public static void Run(int count, int threads, Action<int> tile, CancellationToken cancellationToken)
    {
        if (threads == 1 || count == 1)
        {
            for (int i = 0; i < count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                tile(i);
            }

            return;
        }

        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken }, tile);
        }
        catch (AggregateException exception)
        {
            // The caller sees the first failure itself, whether one thread ran or many.
            ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }
    }
}
