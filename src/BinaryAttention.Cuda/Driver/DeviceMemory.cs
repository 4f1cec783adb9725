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

    protected override int Destroy(DriverTable table, nint created) => table.MemoryFree((ulong)created);
}
