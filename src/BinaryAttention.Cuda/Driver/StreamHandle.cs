namespace BinaryAttention.Cuda.Driver;

/// <summary>A stream of our own. It does not wait for the legacy default stream.</summary>
internal sealed unsafe class StreamHandle : ContextHandle
{
    private const uint NonBlocking = 1;
    private const int CaptureThreadLocal = 1;

    private StreamHandle(PrimaryContext context, nint created)
        : base(context, created)
    {
    }

    public static StreamHandle Create(PrimaryContext context)
    {
        using ContextScope scope = context.Enter();
        nint created;
        context.Driver.Check(context.Driver.Table.StreamCreate(&created, NonBlocking), "cuStreamCreate");
        return new StreamHandle(context, created);
    }

    /// <summary>Waits for everything enqueued so far; errors of kernels surface here.</summary>
    public void Synchronize()
    {
        using ContextScope scope = Context.Enter();
        Driver.Check(Driver.Table.StreamSynchronize(Value), "cuStreamSynchronize");
    }

    /// <summary>Waits as <see cref="Synchronize"/> does, where another failure is on its way already.</summary>
    /// <returns>Whether the wait succeeded.</returns>
    public bool TrySynchronize()
    {
        try
        {
            Synchronize();
            return true;
        }
        catch (CudaException)
        {
            return false;
        }
    }

    /// <summary>Records what is enqueued instead of running it.</summary>
    public GraphHandle Capture(Action enqueue)
    {
        using ContextScope scope = Context.Enter();
        Driver.Check(Driver.Table.StreamBeginCapture(Value, CaptureThreadLocal), "cuStreamBeginCapture_v2");
        nint graph = 0;
        int result;
        try
        {
            enqueue();
        }
        catch
        {
            // The capture must end in any case; what it holds is incomplete.
            if (Driver.Table.StreamEndCapture(Value, &graph) == CudaStatus.Success && graph != 0)
            {
                _ = Driver.Table.GraphDestroy(graph);
            }

            throw;
        }

        result = Driver.Table.StreamEndCapture(Value, &graph);
        Driver.Check(result, "cuStreamEndCapture");
        return new GraphHandle(Context, graph);
    }

    protected override int Destroy(DriverTable table, nint created) => table.StreamDestroy(created);
}
