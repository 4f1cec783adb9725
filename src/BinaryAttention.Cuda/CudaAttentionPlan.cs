using System.Runtime.InteropServices;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Kernels;
using BinaryAttention.Shapes;

namespace BinaryAttention.Cuda;

/// <summary>
/// One-bit attention of one shape over device memory. Everything is compiled when the plan is made; a call then only enqueues launches on the caller's stream: it allocates no
/// device memory, waits for nothing and can be captured into a graph. Several threads may use one plan at once with different workspaces. The plan holds device memory of its own (lengths and
/// bits of masks, bias, learned weights) that the launches read: it must be kept, undisposed, until everything enqueued with it has ended and every graph captured from it is gone.
/// </summary>
public sealed class CudaAttentionPlan : IDisposable
{
    private const ulong WorkspaceAlignment = 256;

    private readonly PrimaryContext _context;
    private readonly LoadedProgram _program;
    private readonly CudaSpecification _specification;
    private readonly DeviceMemory?[] _options;
    private bool _disposed;

    private CudaAttentionPlan(CudaDevice device, CudaSpecification specification, LoadedProgram program, DeviceMemory?[] options)
    {
        (Device, _specification, _program, _options) = (device, specification, program, options);
        _context = device.Runtime.Context;
        Kernels = [.. program.Kernels.Select((kernel, step) => new CudaKernelInfo(
            program.Steps[step].Name, kernel.Source.EntryPoint, kernel.Source.ThreadsPerBlock, kernel.Registers, kernel.LocalBytes, kernel.StaticSharedBytes + kernel.Source.DynamicSharedBytes,
            kernel.BlocksPerMultiprocessor, kernel.LoadMilliseconds))];
    }

    /// <summary>The device that the plan was compiled for.</summary>
    public CudaDevice Device { get; }

    /// <summary>Bytes of device memory that every call needs as its workspace.</summary>
    public long WorkspaceBytes => _program.WorkspaceBytes;

    /// <summary>How the device computes the call: the product of signs, with the reason where it is no native one, and whether results equal the CPU's bits.</summary>
    public string Description => $"{Device.SignProduct}; {(_specification.IsLogMode ? "one exponential a pair, within one 8-bit level of the CPU" : "numerator tables, the CPU's bits")}";

    /// <summary>The kernels in the order of their launches.</summary>
    public IReadOnlyList<CudaKernelInfo> Kernels { get; }

    /// <summary>Compiles the kernels of a call.</summary>
    /// <param name="device">A usable device.</param>
    /// <param name="shape">Sizes and token strides in elements, as in the plain-span calls.</param>
    /// <param name="options">Attention options; per-head mean magnitudes and tiled 8-bit values if null. The lengths and bits of its mask, the values of its bias and learned weights are copied to the device now.</param>
    /// <param name="planOptions">Element types and outputs; float32 without log-sum-exp if null.</param>
    /// <exception cref="ArgumentException">The shape or an option is out of range.</exception>
    /// <exception cref="NotSupportedException">The device cannot be used, or an option has no CUDA kernel; the message names it and a remedy.</exception>
    /// <exception cref="CudaException">A call of the driver failed, such as the compiler.</exception>
    public static CudaAttentionPlan Create(CudaDevice device, in AttentionShape shape, BinaryAttentionOptions? options = null, CudaPlanOptions? planOptions = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        options ??= new BinaryAttentionOptions();
        planOptions ??= new CudaPlanOptions();
        (OperandExtent query, OperandExtent key, OperandExtent value, OperandExtent destination) = ShapeChecks.Extents(shape, options.Layout);
        AttentionShape matched = ShapeChecks.Match(query, key, value, destination);
        AttentionSpecification call = SpecificationBuilder.Build(matched, options, isBinary: true);
        CudaSpecification specification = SpecificationMapper.Map(call, options.Kernel, planOptions.WantsLogSumExp) with
        {
            InputType = Element(planOptions.InputType, nameof(planOptions.InputType)),
            OutputType = Element(planOptions.OutputType, nameof(planOptions.OutputType)),
            QueryStrides = Strides(query),
            KeyStrides = Strides(key),
            ValueStrides = Strides(value),
            DestinationStrides = Strides(destination),
        };
        SpecificationMapper.Require(specification, device);
        DeviceRuntime runtime = device.Runtime;
        LoadedProgram program = runtime.Program(specification);
        ReadOnlyMemory<byte>[] given = OptionOperands.Of(call);
        var copies = new DeviceMemory?[given.Length];
        try
        {
            for (int i = 0; i < given.Length; i++)
            {
                copies[i] = given[i].IsEmpty ? null : Upload(runtime.Context, given[i].Span);
            }

            return new CudaAttentionPlan(device, specification, program, copies);
        }
        catch
        {
            Dispose(copies);
            throw;
        }
    }

    /// <summary>Enqueues packing and attention. Hold the plan until the work has ended, and a captured graph's plan as long as the graph: the launches read memory that the plan owns.</summary>
    /// <param name="operands">Device addresses.</param>
    /// <param name="stream">The stream; the legacy default one if left out.</param>
    /// <exception cref="ArgumentException">An address is missing, not wanted or not aligned.</exception>
    /// <exception cref="CudaException">A launch was refused. Errors while a kernel runs show at the stream's next synchronisation.</exception>
    public void Enqueue(in CudaOperands operands, CudaStream stream = default) => Enqueue(operands, stream, Range.All);

    /// <summary>Enqueues packing alone: signs, magnitudes and 8-bit values of the operands go into the workspace, for one or more <see cref="EnqueueAttention"/>. Hold the plan as for <see cref="Enqueue(in CudaOperands, CudaStream)"/>.</summary>
    /// <param name="operands">Device addresses, the destination among them.</param>
    /// <param name="stream">The stream.</param>
    /// <exception cref="ArgumentException">An address is missing, not wanted or not aligned.</exception>
    /// <exception cref="CudaException">A launch was refused.</exception>
    public void EnqueuePacking(in CudaOperands operands, CudaStream stream = default) => Enqueue(operands, stream, ..^1);

    /// <summary>Enqueues attention over what packing left in the workspace. Hold the plan as for <see cref="Enqueue(in CudaOperands, CudaStream)"/>.</summary>
    /// <param name="operands">Device addresses, with the workspace that was packed into.</param>
    /// <param name="stream">The stream; it must run this after the packing.</param>
    /// <exception cref="ArgumentException">An address is missing, not wanted or not aligned.</exception>
    /// <exception cref="CudaException">A launch was refused.</exception>
    public void EnqueueAttention(in CudaOperands operands, CudaStream stream = default) => Enqueue(operands, stream, ^1..);

    /// <summary>Gives back what the plan holds on the device. Its work must have ended, and no graph captured from it may run again.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            Dispose(_options);
        }
    }

    private static void Dispose(DeviceMemory?[] options)
    {
        foreach (DeviceMemory? option in options)
        {
            option?.Dispose();
        }
    }

    private static OperandStrides Strides(in OperandExtent extent) => new(extent.BatchStride, extent.HeadStride, extent.TokenStride);

    private static CudaElement Element(CudaElementType type, string name) => type switch
    {
        CudaElementType.Float32 => CudaElement.Float32,
        CudaElementType.Float16 => CudaElement.Float16,
        CudaElementType.BFloat16 => CudaElement.BFloat16,
        _ => throw new ArgumentException($"{name} is {type}; expected Float32, Float16 or BFloat16.", "planOptions"),
    };

    private static DeviceMemory Upload(PrimaryContext context, ReadOnlySpan<byte> content)
    {
        var memory = DeviceMemory.Allocate(context, content.Length);
        try
        {
            memory.Upload(content);
            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    private void Enqueue(in CudaOperands operands, CudaStream stream, Range steps)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        int inputBytes = _specification.InputType == CudaElement.Float32 ? 4 : 2;
        int outputBytes = _specification.OutputType == CudaElement.Float32 ? 4 : 2;
        var pointers = new DevicePointers(
            Aligned(operands.Query, inputBytes, nameof(operands.Query)),
            Aligned(operands.Key, inputBytes, nameof(operands.Key)),
            Aligned(operands.Value, inputBytes, nameof(operands.Value)),
            Aligned(operands.Destination, outputBytes, nameof(operands.Destination)),
            Wanted(operands.LogSumExp, _specification.WantsLogSumExp, nameof(operands.LogSumExp), "WantsLogSumExp"),
            0,
            0,
            WorkspaceBytes == 0 ? operands.Workspace.Address : Aligned(operands.Workspace, WorkspaceAlignment, nameof(operands.Workspace)));
        pointers = OptionOperands.Place(pointers, Array.ConvertAll(_options, static option => option?.Address ?? 0));
        if (!operands.KeyLengths.IsNull)
        {
            pointers = pointers with { KeyLengths = Wanted(operands.KeyLengths, _specification.HasKeyLengths, nameof(operands.KeyLengths), "AttentionMask.Lengths") };
        }

        _program.Enqueue(_context, pointers, stream.Handle, steps);

        // A plan that nobody holds must not give its option memory back between two launches.
        GC.KeepAlive(this);
    }

    private static ulong Wanted(CudaPointer pointer, bool isWanted, string name, string option)
    {
        if (!isWanted && !pointer.IsNull)
        {
            throw new ArgumentException($"{name} is given, but the plan was made without {option}. Leave it out, or make the plan with it.", "operands");
        }

        return isWanted ? Aligned(pointer, sizeof(int), name) : 0;
    }

    private static ulong Aligned(CudaPointer pointer, ulong alignment, string name) => Aligned(pointer, (int)alignment, name);

    private static ulong Aligned(CudaPointer pointer, int alignment, string name)
    {
        if (pointer.IsNull)
        {
            throw new ArgumentException($"{name} is null; the plan needs its device address.", "operands");
        }

        return pointer.Address % (ulong)alignment == 0
            ? pointer.Address
            : throw new ArgumentException($"{name} is 0x{pointer.Address:x}; it must be a multiple of {alignment} bytes.", "operands");
    }
}
