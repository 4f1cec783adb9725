// Float memory that starts on a cache line and never moves. It is an ordinary pinned array, so it needs no disposal and a span over it keeps it alive.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Models.LinearAlgebra;

internal sealed unsafe class AlignedBuffer
{
    private const int AlignmentBytes = 64;
    private readonly float[] _array;
    private readonly int _offset;

    /// <summary>Allocates zeros.</summary>
    public AlignedBuffer(int length)
    {
        Length = length;
        _array = GC.AllocateArray<float>(checked(length + (AlignmentBytes / sizeof(float))), pinned: true);

        // SAFETY: the array is pinned, so the address and with it the offset never change.
        nuint address = (nuint)Unsafe.AsPointer(ref _array[0]);
        nuint next = (address + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1);
        _offset = (int)((next - address) / sizeof(float));
    }

    public int Length { get; }

    public Span<float> Span => _array.AsSpan(_offset, Length);
}
