// Simulated device memory: buffers far apart, so that an access outside all of them is found. No kernel here lets threads exchange data through global memory within a launch, so that
// any such exchange is a fault.
using System.Runtime.InteropServices;

namespace TestKit.Ptx;

public sealed class PtxGlobalMemory
{
    private const ulong Gap = 1 << 20;
    private readonly List<PtxGlobalBuffer> _buffers = [];
    private ulong _next = 0x7f_0000_0000;
    private PtxGlobalBuffer? _last;

    internal int Launch { get; set; }

    /// <summary>An input: every byte known, none writable.</summary>
    public PtxGlobalBuffer Input<T>(string name, ReadOnlySpan<T> content)
        where T : unmanaged => Add(name, MemoryMarshal.AsBytes(content).ToArray(), isInitialised: true, isWritable: false);

    /// <summary>Memory with unknown content, filled with a pattern that is NaN as float.</summary>
    public PtxGlobalBuffer Output(string name, long bytes)
    {
        var data = new byte[bytes];
        Array.Fill(data, (byte)0xFF);
        return Add(name, data, isInitialised: false, isWritable: true);
    }

    /// <summary>Gives a buffer back: later accesses lie in no buffer. Its addresses are never handed out again.</summary>
    /// <param name="buffer">A buffer of this memory.</param>
    public void Remove(PtxGlobalBuffer buffer)
    {
        _buffers.Remove(buffer);
        _last = null;
    }

    internal Span<byte> Read(ulong address, int bytes, int thread, string where)
    {
        (PtxGlobalBuffer buffer, int offset) = Find(address, bytes, where);
        buffer.NoteRead(offset, bytes, Launch, thread, where);
        return buffer.Data.AsSpan(offset, bytes);
    }

    internal Span<byte> Write(ulong address, int bytes, int thread, string where)
    {
        (PtxGlobalBuffer buffer, int offset) = Find(address, bytes, where);
        buffer.NoteWrite(offset, bytes, Launch, thread, where);
        return buffer.Data.AsSpan(offset, bytes);
    }

    private PtxGlobalBuffer Add(string name, byte[] data, bool isInitialised, bool isWritable)
    {
        var buffer = new PtxGlobalBuffer(name, _next, data, isInitialised, isWritable);
        _buffers.Add(buffer);
        _next = (_next + (ulong)data.Length + Gap) / Gap * Gap;
        return buffer;
    }

    private (PtxGlobalBuffer Buffer, int Offset) Find(ulong address, int bytes, string where)
    {
        if (address % (ulong)bytes != 0)
        {
            throw new PtxFaultException($"{where}: address 0x{address:x} is not aligned to {bytes}.");
        }

        if (_last is not null && Holds(_last, address, bytes))
        {
            return (_last, (int)(address - _last.Address));
        }

        foreach (PtxGlobalBuffer buffer in _buffers)
        {
            if (Holds(buffer, address, bytes))
            {
                _last = buffer;
                return (buffer, (int)(address - buffer.Address));
            }
        }

        PtxGlobalBuffer? nearest = _buffers.MinBy(buffer => Math.Abs((long)(address - buffer.Address)));
        throw new PtxFaultException($"{where}: {bytes} bytes at 0x{address:x} lie in no buffer; {nearest?.Name} has {nearest?.Data.Length} bytes and the access is at its byte {(long)(address - (nearest?.Address ?? 0))}.");
    }

    private static bool Holds(PtxGlobalBuffer buffer, ulong address, int bytes) => address >= buffer.Address && address - buffer.Address + (ulong)bytes <= (ulong)buffer.Data.Length;
}
