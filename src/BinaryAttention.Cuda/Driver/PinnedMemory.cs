namespace BinaryAttention.Cuda.Driver;

/// <summary>Page-locked host memory, which the device copies from and to without a detour.</summary>
internal sealed unsafe class PinnedMemory : ContextHandle
{
    private PinnedMemory(PrimaryContext context, nint address, long bytes)
        : base(context, address)
    {
        Bytes = bytes;
    }

    public long Bytes { get; }

    public static PinnedMemory Allocate(PrimaryContext context, long bytes)
    {
        using ContextScope scope = context.Enter();
        void* address;
        context.Driver.Check(context.Driver.Table.HostAllocate(&address, (nuint)Math.Max(bytes, 1), 0), "cuMemHostAlloc");
        return new PinnedMemory(context, (nint)address, bytes);
    }

    protected override int Destroy(DriverTable table, nint created) => table.HostFree((void*)created);
}
