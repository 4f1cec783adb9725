using System.Buffers;

namespace BinaryAttention.Formats.Tests.Checkpoints;

/// <summary>Memory whose bytes cannot be had: stands for a disk that fails in the middle of a file.</summary>
internal sealed class FailingMemory(int length) : MemoryManager<byte>
{
    public override Memory<byte> Memory => CreateMemory(length);

    public override Span<byte> GetSpan() => throw new InvalidOperationException("these bytes cannot be read.");

    public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
