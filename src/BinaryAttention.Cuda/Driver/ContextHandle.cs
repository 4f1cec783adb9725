// Something that lives in a context and must be destroyed once, with the context current. Holds the context until then.
using System.Runtime.InteropServices;

namespace BinaryAttention.Cuda.Driver;

internal abstract class ContextHandle : SafeHandle
{
    private readonly bool _holdsContext;

    /// <summary>Takes over what a call has just created.</summary>
    protected ContextHandle(PrimaryContext context, nint created)
        : base(0, ownsHandle: true)
    {
        Context = context;
        context.DangerousAddRef(ref _holdsContext);
        SetHandle(created);
    }

    public PrimaryContext Context { get; }

    public override bool IsInvalid => handle == 0;

    /// <summary>The bare handle, for a call that ends before this object is disposed.</summary>
    public nint Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }

    protected CudaDriver Driver => Context.Driver;

    protected sealed override bool ReleaseHandle()
    {
        // Runs on the finalizer's thread too and must not throw: a failing push means that the context is gone, and the object with it.
        DriverTable table = Driver.Table;
        bool isDestroyed = false;
        if (Push(table))
        {
            isDestroyed = Destroy(table, handle) == CudaStatus.Success;
            Pop(table);
        }

        if (_holdsContext)
        {
            Context.DangerousRelease();
        }

        return isDestroyed;
    }

    /// <summary>The call that destroys the object.</summary>
    protected abstract int Destroy(DriverTable table, nint created);

    private unsafe bool Push(DriverTable table) => table.ContextPush(Context.DangerousGetHandle()) == CudaStatus.Success;

    private static unsafe void Pop(DriverTable table)
    {
        nint popped;
        _ = table.ContextPop(&popped);
    }
}
