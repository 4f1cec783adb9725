// Zeroed memory outside the garbage-collected heap, aligned to cache lines. Workspaces hold pointers into it across threads, which managed arrays would have to be pinned for.
using System.Runtime.InteropServices;

namespace BinaryAttention.Kernels;

internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Alignment = 64;

    // Vector loads may read up to one vector beyond the last element; nothing is ever written there.
    private const nuint Slack = 64;

    private void* _data;

    public NativeBuffer(long bytes)
    {
        Bytes = bytes;
        Renew();
    }

#pragma warning disable MA0055 // a plan that its owner forgot to dispose must not leak native memory
    ~NativeBuffer() => Free();
#pragma warning restore MA0055

    public long Bytes { get; }

    public byte* Pointer => (byte*)_data;

    public T* As<T>()
        where T : unmanaged => (T*)_data;

    /// <summary>Lets the memory go until it is renewed, without giving up the object.</summary>
    public void Release() => Free();

    /// <summary>Takes zeroed memory again after a release; memory that is there stays as it is.</summary>
    public void Renew()
    {
        if (_data is null)
        {
            nuint size = checked((nuint)Bytes + Slack);
            _data = NativeMemory.AlignedAlloc(size, Alignment);
            NativeMemory.Clear(_data, size);
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}
