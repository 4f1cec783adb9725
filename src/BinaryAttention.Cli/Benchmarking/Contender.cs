// One kernel doing one operation, with its own workspace and output, timed phase by phase: packing (SetKeyValue, SetQuery) apart from attention itself.
using System.Diagnostics;
using System.Runtime.InteropServices;
using BinaryAttention.Kernels;
using BinaryAttention.Shapes;

namespace BinaryAttention.Cli.Benchmarking;

internal sealed unsafe class Contender : IDisposable
{
    private readonly KernelRun _run;
    private readonly TokenView _query;
    private readonly TokenView _key;
    private readonly TokenView _value;
    private readonly TokenView _destination;
    private readonly List<double> _attendMilliseconds = [];
    private readonly List<double> _packingMilliseconds = [];

    public Contender(IAttentionKernel kernel, AttentionSpecification specification, GaussianInputs inputs)
    {
        (Kernel, Specification) = (kernel.Name, specification);
        AttentionShape shape = specification.Shape;
        (OperandExtent query, OperandExtent key, OperandExtent value, OperandExtent destination) = ShapeChecks.Extents(shape, TensorLayout.HeadTokenDimension);
        Output = GC.AllocateArray<float>(checked(shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.ValueDimension), pinned: true);

        // SAFETY: the arrays are pinned for their whole life, at least as long as this object refers to them, and have exactly the extents' sizes.
        _query = query.View(Address(inputs.Query));
        _key = key.View(Address(inputs.Key));
        _value = value.View(Address(inputs.Value));
        _destination = destination.View(Address(Output));
        Inputs = inputs;
        _run = kernel.Create(specification);
    }

    public string Kernel { get; }

    public AttentionSpecification Specification { get; }

    public string Operation => OperationOf(Specification);

    /// <summary>The output of the latest run.</summary>
    public float[] Output { get; }

    /// <summary>Managed bytes that the latest run allocated, on all threads.</summary>
    public long AllocatedBytes { get; private set; }

    public IReadOnlyList<double> AttendMilliseconds => _attendMilliseconds;

    public IReadOnlyList<double> PackingMilliseconds => _packingMilliseconds;

    // Held so that the pinned operands stay alive.
    private GaussianInputs Inputs { get; }

    /// <summary>One run; its times are kept if they count.</summary>
    public void Run(bool counts, CancellationToken cancellationToken)
    {
        long allocatedBefore = counts ? GC.GetTotalAllocatedBytes(precise: true) : 0;
        long start = Stopwatch.GetTimestamp();
        _run.SetKeyValue(_key, _value, cancellationToken);
        _run.SetQuery(_query, cancellationToken);
        long packed = Stopwatch.GetTimestamp();
        _run.Attend(_destination, null, cancellationToken);
        long end = Stopwatch.GetTimestamp();
        if (counts)
        {
            AllocatedBytes = GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore;
            _packingMilliseconds.Add(Stopwatch.GetElapsedTime(start, packed).TotalMilliseconds);
            _attendMilliseconds.Add(Stopwatch.GetElapsedTime(packed, end).TotalMilliseconds);
        }

        GC.KeepAlive(Inputs);
    }

    /// <summary>The name of an operation.</summary>
    public static string OperationOf(AttentionSpecification specification) => specification.IsBinary ? "binary" : specification.IsEightBit ? "eight-bit" : "exact";

    public void Dispose() => _run.Dispose();

    private static float* Address(float[] pinned) => (float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
