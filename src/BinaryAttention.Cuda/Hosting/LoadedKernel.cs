// One emitted kernel, compiled for a device, with what the compiler made of it.
using System.Diagnostics;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Kernels;

namespace BinaryAttention.Cuda.Hosting;

internal sealed unsafe class LoadedKernel : IDisposable
{
    // What a block may use without asking.
    private const int DynamicSharedBytesByDefault = 48 * 1024;

    private readonly CompiledModule _module;
    private readonly nint _function;

    private LoadedKernel(PtxModule source, CompiledModule module, nint function, double loadMilliseconds)
    {
        (Source, _module, _function, LoadMilliseconds) = (source, module, function, loadMilliseconds);
    }

    public PtxModule Source { get; }

    /// <summary>Time in the driver's compiler, or of finding the code in its cache.</summary>
    public double LoadMilliseconds { get; }

    public string CompilerLog => _module.Log;

    /// <summary>Registers of a thread.</summary>
    public int Registers { get; private init; }

    /// <summary>Local memory of a thread; not 0 means spilled registers or indexed arrays.</summary>
    public int LocalBytes { get; private init; }

    /// <summary>Shared memory of a block that the compiler counted, without the dynamic part.</summary>
    public int StaticSharedBytes { get; private init; }

    /// <summary>Blocks that fit on one multiprocessor at once.</summary>
    public int BlocksPerMultiprocessor { get; private init; }

    /// <summary>Compiles a kernel and asks for the shared memory it wants.</summary>
    public static LoadedKernel Load(PrimaryContext context, PtxModule source)
    {
        long start = Stopwatch.GetTimestamp();
        CompiledModule module = CompiledModule.Load(context, source.Source);
        try
        {
            nint function = module.Function(source.EntryPoint);
            double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            CudaDriver driver = context.Driver;
            using ContextScope scope = context.Enter();
            if (source.DynamicSharedBytes > DynamicSharedBytesByDefault)
            {
                driver.Check(driver.Table.FunctionSetAttribute(function, FunctionAttributes.MaxDynamicSharedBytes, source.DynamicSharedBytes), "cuFuncSetAttribute", $"{source.EntryPoint} needs {source.DynamicSharedBytes} bytes of dynamic shared memory");
            }

            int blocks;
            driver.Check(driver.Table.Occupancy(&blocks, function, source.ThreadsPerBlock, (nuint)source.DynamicSharedBytes), "cuOccupancyMaxActiveBlocksPerMultiprocessor");
            return new LoadedKernel(source, module, function, milliseconds)
            {
                Registers = Attribute(driver, FunctionAttributes.Registers, function),
                LocalBytes = Attribute(driver, FunctionAttributes.LocalBytes, function),
                StaticSharedBytes = Attribute(driver, FunctionAttributes.StaticSharedBytes, function),
                BlocksPerMultiprocessor = blocks,
            };
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    /// <summary>Enqueues one launch; the context must be current.</summary>
    public void Launch(LaunchShape grid, ReadOnlySpan<KernelArgument> arguments, nint stream)
    {
        // The driver copies every parameter by the size that the PTX declares, so a 4-byte one is read from the lower half: all hosts here are little-endian.
        ulong* values = stackalloc ulong[Math.Max(arguments.Length, 1)];
        void** pointers = stackalloc void*[Math.Max(arguments.Length, 1)];
        for (int i = 0; i < arguments.Length; i++)
        {
            values[i] = arguments[i].Bits;
            pointers[i] = values + i;
        }

        CudaDriver driver = _module.Context.Driver;
        bool isHeld = false;
        try
        {
            _module.DangerousAddRef(ref isHeld);
            int result = driver.Table.LaunchKernel(_function, grid.GridX, grid.GridY, grid.GridZ, (uint)Source.ThreadsPerBlock, 1, 1, (uint)Source.DynamicSharedBytes, stream, pointers, null);
            if (result != CudaStatus.Success)
            {
                driver.Check(result, "cuLaunchKernel", $"{Source.EntryPoint}, grid {grid.GridX} x {grid.GridY} x {grid.GridZ}, {Source.ThreadsPerBlock} threads, {Source.DynamicSharedBytes} bytes of dynamic shared memory");
            }
        }
        finally
        {
            if (isHeld)
            {
                _module.DangerousRelease();
            }
        }
    }

    public void Dispose() => _module.Dispose();

    private static int Attribute(CudaDriver driver, int attribute, nint function)
    {
        int value;
        driver.Check(driver.Table.FunctionGetAttribute(&value, attribute, function), "cuFuncGetAttribute");
        return value;
    }
}
