namespace BinaryAttention.Cuda.Driver;

/// <summary>Recorded work that one call launches.</summary>
internal sealed unsafe class GraphExecutable(PrimaryContext context, nint created) : ContextHandle(context, created)
{
    public void Launch(StreamHandle stream)
    {
        using ContextScope scope = Context.Enter();
        Driver.Check(Driver.Table.GraphLaunch(Value, stream.Value), "cuGraphLaunch");
    }

    protected override int Destroy(DriverTable table, nint created) => table.GraphExecutableDestroy(created);
}
