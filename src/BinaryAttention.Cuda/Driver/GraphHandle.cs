namespace BinaryAttention.Cuda.Driver;

/// <summary>Recorded work that can be instantiated.</summary>
internal sealed unsafe class GraphHandle(PrimaryContext context, nint created) : ContextHandle(context, created)
{
    public GraphExecutable Instantiate()
    {
        using ContextScope scope = Context.Enter();
        nint executable;
        Driver.Check(Driver.Table.GraphInstantiate(&executable, Value, 0), "cuGraphInstantiateWithFlags");
        return new GraphExecutable(Context, executable);
    }

    protected override int Destroy(DriverTable table, nint created) => table.GraphDestroy(created);
}
