// A buffer flush against an inaccessible page. Both sides are guarded; the chosen side without a gap, the other one up to a page away.
namespace TestKit;

/// <summary>Elements between two guard pages.</summary>
/// <typeparam name="T">Their type.</typeparam>
public sealed unsafe class GuardedMemory<T> : IDisposable
    where T : unmanaged
{
    private readonly GuardedPages _pages;

    /// <summary>Takes pages for the elements.</summary>
    /// <param name="length">Elements.</param>
    /// <param name="side">Where the buffer touches its guard page.</param>
    public GuardedMemory(int length, GuardSide side)
    {
        Length = length;
        _pages = new GuardedPages((long)length * sizeof(T), side);
    }

    /// <summary>Elements.</summary>
    public int Length { get; }

    /// <summary>The first element.</summary>
    public T* Data => (T*)_pages.Data;

    /// <summary>All elements.</summary>
    public Span<T> Span => new(Data, Length);

    /// <summary>The memory as something that is held rather than passed; it must not outlive this object.</summary>
    public Memory<T> Memory => new GuardedMemoryManager<T>(this).Memory;

    /// <summary>A copy of some values flush against a guard page.</summary>
    /// <param name="values">The values.</param>
    /// <param name="side">Where the buffer touches its guard page.</param>
    public static GuardedMemory<T> Copy(ReadOnlySpan<T> values, GuardSide side)
    {
        var memory = new GuardedMemory<T>(values.Length, side);
        values.CopyTo(memory.Span);
        return memory;
    }

    /// <summary>Gives the pages back.</summary>
    public void Dispose() => _pages.Dispose();
}
