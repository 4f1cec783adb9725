// Memory that starts on a cache line and never moves. It is an ordinary pinned array, so it needs no disposal; whoever uses the bare pointer holds the buffer in a field meanwhile.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Models.LinearAlgebra;

internal sealed unsafe class AlignedBuffer<T>
    where T : unmanaged
{
    private const int AlignmentBytes = 64;
    private readonly T[] _array;
    private readonly int _offset;

    /// <summary>Allocates zeros.</summary>
    public AlignedBuffer(int length)
    {
        Length = length;
        _array = GC.AllocateArray<T>(checked(length + (AlignmentBytes / sizeof(T))), pinned: true);

        // SAFETY: the array is pinned, so the address and with it the offset never change.
        nuint address = (nuint)Unsafe.AsPointer(ref _array[0]);
        nuint next = (address + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1);
        _offset = (int)((next - address) / (nuint)sizeof(T));
        Pointer = (T*)next;
    }

    public int Length { get; }

    public Span<T> Span => _array.AsSpan(_offset, Length);

    /// <summary>The first element; valid while the buffer is referenced.</summary>
    public T* Pointer { get; }
}
