// The memory and the stream of one call over host spans, kept for the next: one piece of device memory for operands and workspace, one of page-locked host memory for
// operands that must be gathered. Both grow when a call needs more. Not for two calls at once.
using BinaryAttention.Cuda.Driver;

namespace BinaryAttention.Cuda.Hosting;

internal sealed class CallBuffers : IDisposable
{
    private readonly PrimaryContext _context;
    private DeviceMemory? _device;
    private PinnedMemory? _pinned;

    private CallBuffers(PrimaryContext context, StreamHandle stream)
    {
        (_context, Stream) = (context, stream);
    }

    public StreamHandle Stream { get; }

    public static CallBuffers Create(PrimaryContext context) => new(context, StreamHandle.Create(context));

    /// <summary>Address of at least so many bytes of device memory, aligned to 256. Nothing may be enqueued that uses an earlier piece.</summary>
    public ulong Device(long bytes)
    {
        if (_device is null || _device.Bytes < bytes)
        {
            // First given back, so that both pieces never have to fit together.
            _device?.Dispose();
            _device = null;
            _device = DeviceMemory.Allocate(_context, bytes);
        }

        return _device.Address;
    }

    /// <summary>Address of at least so many bytes of page-locked host memory; 0 for none.</summary>
    public nint Pinned(long bytes)
    {
        if (bytes == 0)
        {
            return 0;
        }

        if (_pinned is null || _pinned.Bytes < bytes)
        {
            _pinned?.Dispose();
            _pinned = null;
            _pinned = PinnedMemory.Allocate(_context, bytes);
        }

        return _pinned.Value;
    }

    public void Dispose()
    {
        _pinned?.Dispose();
        _device?.Dispose();
        Stream.Dispose();
    }
}
