using System.Numerics.Tensors;
using BinaryAttention.Kernels;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention;

/// <summary>
/// Attention of one shape prepared once and run many times: the workspace is kept, and keys and values are packed once for many query batches.
/// A plan is used by one thread at a time, which it checks; different plans are independent. Runs on several threads use threads of the plan's own, which sleep between runs and end with
/// <see cref="Dispose"/>. Options are fixed when the plan is made, with the memory that masks, biases and learned weights point to.
/// </summary>
public sealed class AttentionPlan : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly AttentionOptions _options;
    private readonly KernelRun _run;
    private bool _hasKeyValue;
    private bool _disposed;
    private int _isInUse;

    private AttentionPlan(AttentionSpecification specification, AttentionOptions options, IAttentionKernel kernel)
    {
        _specification = specification;
        _options = options;
        _run = CalibratedRun.Create(kernel, specification);
        Kernel = new KernelDescription(kernel.Name, kernel.Description, IsUsable: true, WhyNot: null);
    }

    /// <summary>The kernel that this plan runs.</summary>
    public KernelDescription Kernel { get; }

    /// <summary>
    /// Bytes that the plan holds for packed keys and values. One-bit attention with 8-bit values: per key head and key about <c>headDimension / 6</c> bytes of codes with AVX-512 and <c>headDimension / 4</c> elsewhere, one byte per value channel and a 4-byte
    /// weight, each padded to whole vectors: 79 bytes at 64 + 64 channels with AVX-512, where float32 takes 512.
    /// </summary>
    public long PackedByteCount => _run.PackedBytes;

    /// <summary>Prepares attention of one shape: one-bit if <paramref name="options"/> is a <see cref="BinaryAttentionOptions"/>, 8-bit if it is an <see cref="EightBitAttentionOptions"/>, else exact.</summary>
    /// <param name="shape">Sizes; its token strides are those of the plain-span calls.</param>
    /// <param name="options">Options of any kind.</param>
    /// <exception cref="ArgumentException">The shape or an option is out of range.</exception>
    /// <exception cref="NotSupportedException">A forced kernel cannot run this call.</exception>
    public static AttentionPlan Create(in AttentionShape shape, AttentionOptions options) => Create(shape, options, loop: null);

    /// <summary>A plan that runs on threads which its owner shares between several plans, one run at a time; on threads of its own if null.</summary>
    internal static AttentionPlan Create(in AttentionShape shape, AttentionOptions options, TileLoop? loop)
    {
        ArgumentNullException.ThrowIfNull(options);
        (OperandExtent query, OperandExtent key, OperandExtent value, OperandExtent destination) = ShapeChecks.Extents(shape, options.Layout);
        AttentionShape matched = shape with { KeyHeadCount = ShapeChecks.Match(query, key, value, destination).KeyHeadCount };
        AttentionSpecification specification = SpecificationBuilder.Build(matched, options) with { KeepsThreads = true, Loop = loop };
        return new AttentionPlan(specification, options, KernelSelector.Select(specification, options.Kernel, CpuFeatures.Current));
    }

    /// <summary>Packs keys and values, which may change afterwards.</summary>
    /// <param name="key">Keys as in <see cref="Attention"/>.</param>
    /// <param name="value">Values as in <see cref="Attention"/>.</param>
    /// <param name="cancellationToken">Checked between tiles; after a cancellation the plan needs its keys and values again.</param>
    /// <exception cref="ArgumentException">Sizes or strides do not fit the plan.</exception>
    /// <exception cref="InvalidOperationException">The plan is in use by another thread.</exception>
    /// <exception cref="ObjectDisposedException">The plan was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public unsafe void SetKeyValue(in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, CancellationToken cancellationToken = default)
    {
        OperandExtent keyExtent = ShapeChecks.Extent(key.Lengths, key.Strides, _options.Layout, nameof(key));
        OperandExtent valueExtent = ShapeChecks.Extent(value.Lengths, value.Strides, _options.Layout, nameof(value));
        fixed (float* keyData = key, valueData = value)
        {
            SetKeyValue(keyData, keyExtent, valueData, valueExtent, cancellationToken);
        }
    }

    /// <summary>Packs keys and values held in plain spans, which may change afterwards.</summary>
    /// <param name="key">Keys, laid out as the plan's shape says.</param>
    /// <param name="value">Values, laid out as the plan's shape says.</param>
    /// <param name="cancellationToken">Checked between tiles; after a cancellation the plan needs its keys and values again.</param>
    /// <exception cref="ArgumentException">Sizes or strides do not fit the plan.</exception>
    /// <exception cref="InvalidOperationException">The plan is in use by another thread.</exception>
    /// <exception cref="ObjectDisposedException">The plan was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public unsafe void SetKeyValue(ReadOnlySpan<float> key, ReadOnlySpan<float> value, CancellationToken cancellationToken = default)
    {
        (_, OperandExtent keyExtent, OperandExtent valueExtent, _) = ShapeChecks.Extents(_specification.Shape, _options.Layout);
        ShapeChecks.Length(key.Length, keyExtent);
        ShapeChecks.Length(value.Length, valueExtent);
        fixed (float* keyData = key, valueData = value)
        {
            SetKeyValue(keyData, keyExtent, valueData, valueExtent, cancellationToken);
        }
    }

    /// <summary>Attends from the queries to the keys and values set before.</summary>
    /// <param name="query">Queries as in <see cref="Attention"/>.</param>
    /// <param name="destination">Receives the output; must not overlap the queries.</param>
    /// <param name="logSumExp">Receives the row log-sum-exp <c>[batch, heads, queryLength]</c>, or empty; must not overlap the queries or the destination.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    /// <exception cref="ArgumentException">Sizes or strides do not fit the plan, or memory overlaps.</exception>
    /// <exception cref="InvalidOperationException">No keys and values were set, or the plan is in use by another thread.</exception>
    /// <exception cref="ObjectDisposedException">The plan was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the destination may be half written.</exception>
    public unsafe void Run(in ReadOnlyTensorSpan<float> query, in TensorSpan<float> destination, Span<float> logSumExp = default, CancellationToken cancellationToken = default)
    {
        OperandExtent queryExtent = ShapeChecks.Extent(query.Lengths, query.Strides, _options.Layout, nameof(query));
        OperandExtent destinationExtent = ShapeChecks.Extent(destination.Lengths, destination.Strides, _options.Layout, nameof(destination));
        fixed (float* queryData = query, destinationData = destination, logSumExpData = logSumExp)
        {
            Run(queryData, queryExtent, destinationData, destinationExtent, logSumExpData, logSumExp.Length, cancellationToken);
        }
    }

    /// <summary>Attends from queries held in a plain span.</summary>
    /// <param name="query">Queries, laid out as the plan's shape says.</param>
    /// <param name="destination">Receives the output; must not overlap the queries.</param>
    /// <param name="logSumExp">Receives the row log-sum-exp <c>[batch, heads, queryLength]</c>, or empty; must not overlap the queries or the destination.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    /// <exception cref="ArgumentException">Sizes or strides do not fit the plan, or memory overlaps.</exception>
    /// <exception cref="InvalidOperationException">No keys and values were set, or the plan is in use by another thread.</exception>
    /// <exception cref="ObjectDisposedException">The plan was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the destination may be half written.</exception>
    public unsafe void Run(ReadOnlySpan<float> query, Span<float> destination, Span<float> logSumExp = default, CancellationToken cancellationToken = default)
    {
        (OperandExtent queryExtent, _, _, OperandExtent destinationExtent) = ShapeChecks.Extents(_specification.Shape, _options.Layout);
        ShapeChecks.Length(query.Length, queryExtent);
        ShapeChecks.Length(destination.Length, destinationExtent);
        fixed (float* queryData = query, destinationData = destination, logSumExpData = logSumExp)
        {
            Run(queryData, queryExtent, destinationData, destinationExtent, logSumExpData, logSumExp.Length, cancellationToken);
        }
    }

    /// <summary>Gives the workspace back.</summary>
    /// <exception cref="InvalidOperationException">The plan is in use by another thread.</exception>
    public void Dispose()
    {
        Enter();
        if (!_disposed)
        {
            _disposed = true;
            _run.Dispose();
        }

        Leave();
    }

    private unsafe void SetKeyValue(float* key, in OperandExtent keyExtent, float* value, in OperandExtent valueExtent, CancellationToken cancellationToken)
    {
        AttentionShape shape = _specification.Shape;
        Expect(keyExtent, shape.BatchSize, shape.KeyHeadCount, shape.KeyLength, shape.HeadDimension);
        Expect(valueExtent, shape.BatchSize, shape.KeyHeadCount, shape.KeyLength, shape.ValueDimension);
        Enter();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _hasKeyValue = false;
            cancellationToken.ThrowIfCancellationRequested();
            _run.SetKeyValue(keyExtent.View(key), valueExtent.View(value), cancellationToken);
            _hasKeyValue = true;
        }
        finally
        {
            Leave();
        }
    }

    private unsafe void Run(float* query, in OperandExtent queryExtent, float* destination, in OperandExtent destinationExtent, float* logSumExp, int logSumExpLength, CancellationToken cancellationToken)
    {
        AttentionShape shape = _specification.Shape;
        Expect(queryExtent, shape.BatchSize, shape.HeadCount, shape.QueryLength, shape.HeadDimension);
        Expect(destinationExtent, shape.BatchSize, shape.HeadCount, shape.QueryLength, shape.ValueDimension);
        ShapeChecks.DestinationStrides(destinationExtent);
        ShapeChecks.NoOverlap(destination, destinationExtent, query, queryExtent);
        ShapeChecks.LogSumExp(logSumExpLength, shape);
        ShapeChecks.NoOverlap(logSumExp, logSumExpLength, destination, destinationExtent);
        ShapeChecks.NoOverlap(logSumExp, logSumExpLength, query, queryExtent);
        Enter();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_hasKeyValue)
            {
                throw new InvalidOperationException("The plan has no keys and values. Call SetKeyValue before Run.");
            }

            _run.SetQuery(queryExtent.View(query), cancellationToken);
            _run.Attend(destinationExtent.View(destination), logSumExp, cancellationToken);
        }
        finally
        {
            Leave();
        }
    }

    // Two threads at once would share one workspace: better an error than wrong numbers or a crash.
    private void Enter()
    {
        if (Interlocked.Exchange(ref _isInUse, 1) != 0)
        {
            throw new InvalidOperationException("The plan is in use by another thread. Make one plan per thread.");
        }
    }

    // Writing the field at the end also keeps the plan alive: kernels hold bare pointers into the workspace, whose finalizers must not run under them.
    private void Leave() => Volatile.Write(ref _isInUse, 0);

    private static void Expect(in OperandExtent extent, int batch, int heads, int tokens, int dimension)
    {
        if (extent.Batch != batch || extent.Heads != heads || extent.Tokens != tokens || extent.Dimension != dimension)
        {
            throw new ArgumentException($"{extent.Name} has batch size {extent.Batch}, {extent.Heads} heads, length {extent.Tokens} and dimension {extent.Dimension}; the plan was made for {batch}, {heads}, {tokens} and {dimension}. Make a plan of this shape.", extent.Name);
        }
    }
}
