using BinaryAttention.Formats.Checkpoints;

namespace BinaryAttention.Formats.Tests.Checkpoints;

/// <summary>A source that claims any length: the given bytes, then zeros that exist only while asked for.</summary>
internal sealed class SparseByteSource(byte[] start, long zerosAfter) : ByteSource
{
    public override long Length => start.Length + zerosAfter;

    public override void Enter() => ObjectDisposedException.ThrowIf(IsDisposed, this);

    public override void Exit()
    {
    }

    protected override ReadOnlySpan<byte> SliceCore(long offset, int count) =>
        offset + count <= start.Length ? start.AsSpan((int)offset, count) : new byte[count];

    protected override void DisposeCore()
    {
    }
}
