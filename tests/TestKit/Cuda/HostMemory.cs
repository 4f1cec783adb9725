using System.Runtime.InteropServices;

namespace TestKit.Cuda;

/// <summary>Device memory that is host memory, filled with a pattern at first.</summary>
public sealed unsafe class HostMemory : IFakeMemory
{
    private const byte Poison = 0xCD;

    /// <inheritdoc/>
    public ulong Allocate(long bytes)
    {
        void* memory = NativeMemory.AlignedAlloc((nuint)bytes, 256);
        NativeMemory.Fill(memory, (nuint)bytes, Poison);
        return (ulong)memory;
    }

    /// <inheritdoc/>
    public void Free(ulong address) => NativeMemory.AlignedFree((void*)address);

    /// <inheritdoc/>
    public void Write(ulong address, ReadOnlySpan<byte> source) => source.CopyTo(new Span<byte>((void*)address, source.Length));

    /// <inheritdoc/>
    public void Read(ulong address, Span<byte> destination) => new ReadOnlySpan<byte>((void*)address, destination.Length).CopyTo(destination);

    /// <inheritdoc/>
    public void Fill(ulong address, byte value, long bytes) => NativeMemory.Fill((void*)address, (nuint)bytes, value);
}
