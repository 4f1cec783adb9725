namespace BinaryAttention.Cuda.Driver;

/// <summary>A caller's host memory, page-locked for as long as this lives. The memory must not move or go before.</summary>
internal sealed unsafe class RegisteredMemory : ContextHandle
{
    private RegisteredMemory(PrimaryContext context, nint address)
        : base(context, address)
    {
    }

    public static RegisteredMemory Register(PrimaryContext context, void* memory, long bytes)
    {
        using ContextScope scope = context.Enter();
        context.Driver.Check(context.Driver.Table.HostRegister(memory, (nuint)bytes, 0), "cuMemHostRegister_v2");
        return new RegisteredMemory(context, (nint)memory);
    }

    protected override int Destroy(DriverTable table, nint created) => table.HostUnregister((void*)created);
}
