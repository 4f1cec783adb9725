namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Read-only bytes addressed with 64-bit offsets, in memory or mapped from a file. <see cref="Enter"/> and <see cref="Exit"/> bracket a
/// read so that a concurrent dispose waits with the release of the memory until the read is over.
/// </summary>
internal abstract class ByteSource : IDisposable
{
    private volatile bool _isDisposed;

    /// <summary>Number of bytes.</summary>
    public abstract long Length { get; }

    /// <summary>True once <see cref="Dispose"/> was called.</summary>
    public bool IsDisposed => _isDisposed;

    /// <summary>The bytes of a range; checked against <see cref="Length"/> in every build.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int count)
    {
        if (offset < 0 || count < 0 || offset > Length - count)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"range {offset}+{count} lies outside the {Length} bytes of the source.");
        }

        return SliceCore(offset, count);
    }

    /// <summary>Starts a read: until <see cref="Exit"/> the bytes stay where they are, disposed or not.</summary>
    /// <exception cref="ObjectDisposedException">The source was disposed before.</exception>
    public abstract void Enter();

    /// <summary>Ends a read.</summary>
    public abstract void Exit();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            DisposeCore();
        }
    }

    /// <summary>The bytes of a range already known to lie inside.</summary>
    protected abstract ReadOnlySpan<byte> SliceCore(long offset, int count);

    /// <summary>Releases the memory, now or when the last read ends. May be called twice by racing threads.</summary>
    protected abstract void DisposeCore();
}
