// Runs independent pieces of work on at most so many threads. Pieces share nothing and each is computed the same way whoever takes it, so results have the
// same bits at any number of threads.
namespace BinaryAttention.Models.LinearAlgebra;

internal static class WorkLoop
{
    public static void Run(int count, int threads, Action<int> piece, CancellationToken cancellationToken)
    {
        int workers = Math.Min(threads, count);
        if (workers <= 1)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int i = 0; i < count; i++)
            {
                piece(i);
            }

            return;
        }

        // Workers draw the next piece themselves: cheaper than one task a piece, and a slow core takes fewer.
        int next = -1;
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellationToken }, _ =>
        {
            for (int i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
            {
                piece(i);
            }
        });
    }

    /// <summary>The threads that a caller's limit allows: one per processor if null.</summary>
    public static int Threads(int? maxDegreeOfParallelism) => maxDegreeOfParallelism switch
    {
        null => Environment.ProcessorCount,
        >= 1 => maxDegreeOfParallelism.Value,
        _ => throw new ArgumentOutOfRangeException(nameof(maxDegreeOfParallelism), maxDegreeOfParallelism, "Expected at least 1, or null for one thread per processor."),
    };
}
