// What a device keeps between calls: its primary context, the kernels compiled for it, the programs of recent specifications and the buffers of finished calls.
// Kept for the rest of the process once used. Safe to use from several threads.
using System.Collections.Concurrent;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Kernels;

namespace BinaryAttention.Cuda.Hosting;

internal sealed class DeviceRuntime : IDisposable
{
    // A model has a handful of shapes; emission takes about a millisecond, so forgetting all of them now and then costs little.
    private const int MaxPrograms = 128;

    private readonly int _computeCapability;
    private readonly Lock _gate = new();
    private readonly Dictionary<PtxModule, LoadedKernel> _kernels = [];
    private readonly Dictionary<CudaSpecification, LoadedProgram> _programs = [];
    private readonly ConcurrentBag<CallBuffers> _buffers = [];
    private bool _disposed;

    public DeviceRuntime(CudaDriver driver, int device, int computeCapability)
    {
        _computeCapability = computeCapability;
        Context = PrimaryContext.Retain(driver, device);
    }

    public PrimaryContext Context { get; }

    /// <summary>The kernels of a call, compiled at its first use.</summary>
    /// <exception cref="NotSupportedException">No kernel takes the call.</exception>
    /// <exception cref="CudaException">The compiler refuses a kernel.</exception>
    public LoadedProgram Program(CudaSpecification specification)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_programs.TryGetValue(specification, out LoadedProgram? known))
            {
                return known;
            }

            var program = AttentionProgram.For(specification, _computeCapability);
            var loaded = new LoadedProgram(program, [.. program.Steps.Select(step => Kernel(step.Module))]);
            if (_programs.Count >= MaxPrograms)
            {
                _programs.Clear();
            }

            _programs.Add(specification, loaded);
            return loaded;
        }
    }

    /// <summary>Buffers that no other call uses, for the caller to hand back or, after a failure, to dispose.</summary>
    public CallBuffers TakeBuffers() => _buffers.TryTake(out CallBuffers? kept) ? kept : CallBuffers.Create(Context);

    public void GiveBack(CallBuffers buffers) => _buffers.Add(buffers);

    /// <summary>Frees the buffers that no call uses now.</summary>
    public void TrimBuffers()
    {
        while (_buffers.TryTake(out CallBuffers? kept))
        {
            kept.Dispose();
        }
    }

    /// <summary>Unloads everything. Nothing of this device may be in use.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            TrimBuffers();
            foreach (LoadedKernel kernel in _kernels.Values)
            {
                kernel.Dispose();
            }

            Context.Dispose();
        }
    }

    private LoadedKernel Kernel(PtxModule source)
    {
        if (!_kernels.TryGetValue(source, out LoadedKernel? kernel))
        {
            kernel = LoadedKernel.Load(Context, source);
            _kernels.Add(source, kernel);
        }

        return kernel;
    }
}
