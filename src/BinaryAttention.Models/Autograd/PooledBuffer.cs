// Memory of the pool: float32 on a cache line that never moves. Gradients that several variables have in common are shared and counted; who wants to change one while others hold it copies first.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Models.Autograd;

internal sealed unsafe class PooledBuffer
{
    private const int AlignmentBytes = 64;
    private readonly float[] _array;
    private readonly int _offset;

    public PooledBuffer(int capacity)
    {
        Capacity = capacity;
        _array = GC.AllocateUninitializedArray<float>(checked(capacity + (AlignmentBytes / sizeof(float))), pinned: true);

        // SAFETY: the array is pinned, so the address and with it the offset never change.
        nuint address = (nuint)Unsafe.AsPointer(ref _array[0]), next = (address + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1);
        _offset = (int)((next - address) / sizeof(float));
        Pointer = (float*)next;
    }

    public int Capacity { get; }

    /// <summary>Values in use, at most <see cref="Capacity"/>.</summary>
    public int Length { get; set; }

    /// <summary>Holders; 0 while the buffer lies in the pool.</summary>
    public int Shares { get; set; }

    public Span<float> Span => _array.AsSpan(_offset, Length);

    /// <summary>The first value; valid while the buffer is referenced.</summary>
    public float* Pointer { get; }

    /// <summary>The values as memory, for options that hold them.</summary>
    public ReadOnlyMemory<float> Memory => _array.AsMemory(_offset, Length);
}
