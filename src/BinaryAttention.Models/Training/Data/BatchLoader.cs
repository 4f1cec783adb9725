// Batches in order, made ahead by other threads: at most as many wait or are being made as there are workers. The order and the bits do not depend on their number; none makes batches
// when they are asked for. A failure of a maker comes out where its batch would have.
namespace BinaryAttention.Models.Training.Data;

internal sealed class BatchLoader : IDisposable
{
    private readonly BatchMaker _maker;
    private readonly int _workers;
    private readonly Queue<Task<TrainingBatch>> _ahead = new();
    private readonly CancellationTokenSource _end = new();
    private long _next;
    private long _afterLast;

    /// <summary>Starts making the batches first .. afterLast - 1.</summary>
    public BatchLoader(BatchMaker maker, long first, long afterLast, int workers)
    {
        (_maker, _next, _afterLast, _workers) = (maker, first, afterLast, workers);
        Refill();
    }

    /// <summary>The next batch.</summary>
    public TrainingBatch Next(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_workers == 0)
        {
            return _maker.Make(_next++);
        }

        Task<TrainingBatch> task = _ahead.Dequeue();
        Task.WaitAny([task], cancellationToken);
        Refill();
        return task.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        // Batches under way use the pictures, which the caller may close next.
        _afterLast = 0;
        _end.Cancel();
        try
        {
            Task.WaitAll([.. _ahead]);
        }
        catch (AggregateException)
        {
            // Nobody asked for these batches.
        }

        _end.Dispose();
    }

    private void Refill()
    {
        while (_ahead.Count < _workers && _next < _afterLast)
        {
            long number = _next++;
            _ahead.Enqueue(Task.Run(() => _maker.Make(number), _end.Token));
        }
    }
}
