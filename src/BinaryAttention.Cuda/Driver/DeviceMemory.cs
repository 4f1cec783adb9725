namespace BinaryAttention.Cuda.Driver;

/// <summary>Memory of a device. Contents are undefined at first.</summary>
internal sealed unsafe class DeviceMemory : ContextHandle
{
    private DeviceMemory(PrimaryContext context, ulong address, long bytes)
        : base(context, (nint)address)
    {
        Bytes = bytes;
    }

    public long Bytes { get; }

    public ulong Address => (ulong)Value;

    public static DeviceMemory Allocate(PrimaryContext context, long bytes)
    {
        using ContextScope scope = context.Enter();
        ulong address;
        context.Driver.Check(context.Driver.Table.MemoryAllocate(&address, (nuint)Math.Max(bytes, 1)), "cuMemAlloc_v2");
        return new DeviceMemory(context, address, bytes);
    }

    /// <summary>
    /// Copies from the host and waits until the bytes are there. A plain cuMemcpyHtoD would not do: it may return while the last piece is still on its way, and streams that do not wait
    /// for the default one could read too early.
    /// </summary>
    public void Upload(ReadOnlySpan<byte> source)
    {
        using var stream = StreamHandle.Create(Context);
        using (Context.Enter())
        {
            fixed (byte* data = source)
            {
                Driver.Check(Driver.Table.CopyToDeviceAsync(Address, data, (nuint)source.Length, stream.Value), "cuMemcpyHtoDAsync_v2");
                stream.Synchronize();
            }
        }
    }

    protected override int Destroy(DriverTable table, nint created) => table.MemoryFree((ulong)created);
}
