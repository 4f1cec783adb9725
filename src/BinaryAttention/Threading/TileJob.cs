// The tiles of one run: workers take the next one until none is left, one has failed, or the run is cancelled.
using System.Runtime.ExceptionServices;

namespace BinaryAttention.Threading;

internal sealed class TileJob
{
    private Action<int, int>? _tile;
    private CancellationToken _cancellationToken;
    private Exception? _failure;
    private long _count;
    private long _next;

    public void Begin(int count, Action<int, int> tile, CancellationToken cancellationToken)
    {
        _tile = tile;
        _count = count;
        _cancellationToken = cancellationToken;
        _failure = null;
        _next = 0;
    }

    /// <summary>Works until there is nothing left to do; never throws.</summary>
    public void Work(int worker)
    {
#pragma warning disable CA1031 // whatever a tile throws is carried to the caller's thread by End
        try
        {
            while (Volatile.Read(ref _failure) is null)
            {
                long tile = Interlocked.Increment(ref _next) - 1;
                if (tile >= _count)
                {
                    return;
                }

                _cancellationToken.ThrowIfCancellationRequested();
                _tile!((int)tile, worker);
            }
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, exception, null);
        }
#pragma warning restore CA1031
    }

    /// <summary>Lets the caller's objects go and throws the first failure.</summary>
    public void End()
    {
        Exception? failure = _failure;
        _tile = null;
        _cancellationToken = default;
        _failure = null;
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }
}
