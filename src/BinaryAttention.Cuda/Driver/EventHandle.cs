namespace BinaryAttention.Cuda.Driver;

/// <summary>A point in a stream's work, with the device's time at which it was reached.</summary>
internal sealed unsafe class EventHandle : ContextHandle
{
    private EventHandle(PrimaryContext context, nint created)
        : base(context, created)
    {
    }

    public static EventHandle Create(PrimaryContext context)
    {
        using ContextScope scope = context.Enter();
        nint created;
        context.Driver.Check(context.Driver.Table.EventCreate(&created, 0), "cuEventCreate");
        return new EventHandle(context, created);
    }

    public void Record(StreamHandle stream)
    {
        using ContextScope scope = Context.Enter();
        Driver.Check(Driver.Table.EventRecord(Value, stream.Value), "cuEventRecord");
    }

    public void Synchronize()
    {
        using ContextScope scope = Context.Enter();
        Driver.Check(Driver.Table.EventSynchronize(Value), "cuEventSynchronize");
    }

    /// <summary>Time from an earlier event to this one; both must have been reached. Resolution about half a microsecond.</summary>
    public double MillisecondsSince(EventHandle start)
    {
        using ContextScope scope = Context.Enter();
        float milliseconds;
        Driver.Check(Driver.Table.EventElapsedTime(&milliseconds, start.Value, Value), "cuEventElapsedTime");
        return milliseconds;
    }

    protected override int Destroy(DriverTable table, nint created) => table.EventDestroy(created);
}
