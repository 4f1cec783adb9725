using System.Buffers;

namespace TestKit;

/// <summary>Guarded memory as <see cref="Memory{T}"/>, for what is held rather than passed. The guarded memory must outlive it.</summary>
/// <param name="guarded">The memory.</param>
public sealed unsafe class GuardedMemoryManager(GuardedMemory guarded) : MemoryManager<float>
{
    /// <inheritdoc/>
    public override Span<float> GetSpan() => guarded.Span;

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new(guarded.Data + elementIndex);

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}
