namespace BinaryAttention.Cuda.Driver;

/// <summary>The time in which a context is current on this thread: pushed at the start, popped at the end, also when something fails in between.</summary>
internal readonly unsafe ref struct ContextScope
{
    private readonly PrimaryContext _context;

    public ContextScope(PrimaryContext context)
    {
        bool isHeld = false;
        context.DangerousAddRef(ref isHeld);
        int result = context.Driver.Table.ContextPush(context.DangerousGetHandle());
        if (result != CudaStatus.Success)
        {
            context.DangerousRelease();
            context.Driver.Check(result, "cuCtxPushCurrent_v2");
        }

        _context = context;
    }

    public void Dispose()
    {
        // The pop takes place whatever it returns: its result may be that of earlier asynchronous work, which the call that waits for that work reports.
        nint popped;
        _ = _context.Driver.Table.ContextPop(&popped);
        _context.DangerousRelease();
    }
}
