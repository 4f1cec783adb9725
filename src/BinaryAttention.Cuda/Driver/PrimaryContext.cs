// The primary context of a device, which frameworks in the same process share. It is current only inside a ContextScope, so that a caller's own context is never
// disturbed. Every handle that lives in the context holds a reference to this one.
using System.Runtime.InteropServices;

namespace BinaryAttention.Cuda.Driver;

internal sealed unsafe class PrimaryContext : SafeHandle
{
    private readonly int _device;

    private PrimaryContext(CudaDriver driver, int device)
        : base(0, ownsHandle: true)
    {
        (Driver, _device) = (driver, device);
    }

    public CudaDriver Driver { get; }

    public override bool IsInvalid => handle == 0;

    public static PrimaryContext Retain(CudaDriver driver, int device)
    {
        var context = new PrimaryContext(driver, device);
        nint created;
        int result = driver.Table.PrimaryContextRetain(&created, device);
        if (result == CudaStatus.Success)
        {
            context.SetHandle(created);
            return context;
        }

        context.Dispose();
        driver.Check(result, "cuDevicePrimaryCtxRetain");
        return context;
    }

    /// <summary>Makes the context current on this thread until the scope is disposed.</summary>
    public ContextScope Enter() => new(this);

    protected override bool ReleaseHandle() => Driver.Table.PrimaryContextRelease(_device) == CudaStatus.Success;
}
