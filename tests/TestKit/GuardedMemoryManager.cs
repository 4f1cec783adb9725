using System.Buffers;

namespace TestKit;

/// <summary>Guarded memory as <see cref="Memory{T}"/>.</summary>
/// <typeparam name="T">Element type.</typeparam>
/// <param name="guarded">The memory.</param>
internal sealed unsafe class GuardedMemoryManager<T>(GuardedMemory<T> guarded) : MemoryManager<T>
    where T : unmanaged
{
    public override Span<T> GetSpan() => guarded.Span;

    public override MemoryHandle Pin(int elementIndex = 0) => new(guarded.Data + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
