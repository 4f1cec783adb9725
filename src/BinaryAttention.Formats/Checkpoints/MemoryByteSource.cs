namespace BinaryAttention.Formats.Checkpoints;

/// <summary>Bytes the caller holds in managed memory; nothing to release.</summary>
internal sealed class MemoryByteSource(ReadOnlyMemory<byte> bytes) : ByteSource
{
    /// <inheritdoc/>
    public override long Length => bytes.Length;

    /// <inheritdoc/>
    public override void Enter() => ObjectDisposedException.ThrowIf(IsDisposed, typeof(TensorFile));

    /// <inheritdoc/>
    public override void Exit()
    {
    }

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> SliceCore(long offset, int count) => bytes.Span.Slice((int)offset, count);

    /// <inheritdoc/>
    protected override void DisposeCore()
    {
    }
}
