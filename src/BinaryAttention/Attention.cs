// The public door. A call is four hops: here -> ShapeChecks -> KernelSelector -> a kernel.
using System.Numerics.Tensors;
using BinaryAttention.Kernels;
using BinaryAttention.Shapes;

namespace BinaryAttention;

/// <summary>
/// Scaled dot-product attention, exact or with one-bit queries and keys. All methods are thread-safe; one call uses several threads unless told otherwise and gives the
/// same bits at any number of them.
/// </summary>
public static partial class Attention
{
    /// <summary>
    /// Exact attention, <c>softmax(query key^T * logitScale + bias) value</c>, in float32 with an online softmax over tiles: nothing of size queryLength x keyLength is stored.
    /// </summary>
    /// <param name="query"><c>[batch, heads, queryLength, headDimension]</c> (or tokens before heads, see <see cref="AttentionOptions.Layout"/>); any strides with contiguous channels.</param>
    /// <param name="key"><c>[batch, keyHeads, keyLength, headDimension]</c>; keyHeads divides heads (grouped-query attention).</param>
    /// <param name="value"><c>[batch, keyHeads, keyLength, valueDimension]</c>.</param>
    /// <param name="destination"><c>[batch, heads, queryLength, valueDimension]</c>; must not overlap an operand.</param>
    /// <param name="options">Options; defaults if null. A <see cref="BinaryAttentionOptions"/> is refused.</param>
    /// <param name="logSumExp">Receives <c>log(sum(exp(logits)))</c> of every row, <c>[batch, heads, queryLength]</c>, or empty; must not overlap an operand or the destination.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit; the message names parameter, value, expectation and remedy.</exception>
    /// <exception cref="NotSupportedException">A forced kernel cannot run this call.</exception>
    /// <remarks>NaN and infinities in the operands spread as IEEE arithmetic has it. A row whose keys are all masked gives zeros and log-sum-exp -infinity.</remarks>
    public static void ScaledDotProduct(in ReadOnlyTensorSpan<float> query, in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, in TensorSpan<float> destination, AttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        Run(query, key, value, destination, options ?? DefaultExact, isBinary: false, logSumExp, cancellationToken);

    /// <summary>Exact attention over plain spans.</summary>
    /// <param name="query">Queries, laid out as <paramref name="shape"/> and <see cref="AttentionOptions.Layout"/> say.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="destination">Receives the output; must not overlap an operand.</param>
    /// <param name="shape">Sizes and token strides.</param>
    /// <param name="options">Options; defaults if null. A <see cref="BinaryAttentionOptions"/> is refused.</param>
    /// <param name="logSumExp">Receives the row log-sum-exp <c>[batch, heads, queryLength]</c>, or empty; must not overlap an operand or the destination.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit.</exception>
    /// <exception cref="NotSupportedException">A forced kernel cannot run this call.</exception>
    public static void ScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, AttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        Run(query, key, value, destination, shape, options ?? DefaultExact, isBinary: false, logSumExp, cancellationToken);

    /// <summary>
    /// One-bit attention (BinaryAttention, section 4): queries and keys keep only their signs,
    /// <c>logit[i,j] = rowWeight[i] * columnWeight[j] * logitScale * signDot[i,j] + bias[i,j]</c> with <c>signDot = headDimension - 2 * hammingDistance</c>.
    /// </summary>
    /// <param name="query"><c>[batch, heads, queryLength, headDimension]</c> (or tokens before heads, see <see cref="AttentionOptions.Layout"/>); any strides with contiguous channels.</param>
    /// <param name="key"><c>[batch, keyHeads, keyLength, headDimension]</c>; keyHeads divides heads (grouped-query attention).</param>
    /// <param name="value"><c>[batch, keyHeads, keyLength, valueDimension]</c>.</param>
    /// <param name="destination"><c>[batch, heads, queryLength, valueDimension]</c>; must not overlap an operand.</param>
    /// <param name="options">Options; per-head mean magnitudes and tiled 8-bit values if null.</param>
    /// <param name="logSumExp">Receives <c>log(sum(exp(logits)))</c> of every row, <c>[batch, heads, queryLength]</c>, or empty; must not overlap an operand or the destination.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit; the message names parameter, value, expectation and remedy.</exception>
    /// <exception cref="NotSupportedException">A forced kernel cannot run this call.</exception>
    /// <remarks>
    /// A NaN or infinity in the queries or keys of a head gives NaN in that head's whole output; in a value channel, NaN in that channel. All-zero queries or keys give
    /// uniform attention. A row whose keys are all masked gives zeros and log-sum-exp -infinity.
    /// </remarks>
    public static void BinaryScaledDotProduct(in ReadOnlyTensorSpan<float> query, in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, in TensorSpan<float> destination, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        Run(query, key, value, destination, options ?? DefaultBinary, isBinary: true, logSumExp, cancellationToken);

    /// <summary>One-bit attention over plain spans.</summary>
    /// <param name="query">Queries, laid out as <paramref name="shape"/> and <see cref="AttentionOptions.Layout"/> say.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="destination">Receives the output; must not overlap an operand.</param>
    /// <param name="shape">Sizes and token strides.</param>
    /// <param name="options">Options; per-head mean magnitudes and tiled 8-bit values if null.</param>
    /// <param name="logSumExp">Receives the row log-sum-exp <c>[batch, heads, queryLength]</c>, or empty; must not overlap an operand or the destination.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit.</exception>
    /// <exception cref="NotSupportedException">A forced kernel cannot run this call.</exception>
    public static void BinaryScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        Run(query, key, value, destination, shape, options ?? DefaultBinary, isBinary: true, logSumExp, cancellationToken);

    private static readonly AttentionOptions DefaultExact = new();
    private static readonly BinaryAttentionOptions DefaultBinary = new();

    private static unsafe void Run(in ReadOnlyTensorSpan<float> query, in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, in TensorSpan<float> destination, AttentionOptions options, bool isBinary, Span<float> logSumExp, CancellationToken cancellationToken)
    {
        OperandExtent queryExtent = ShapeChecks.Extent(query.Lengths, query.Strides, options.Layout, nameof(query));
        OperandExtent keyExtent = ShapeChecks.Extent(key.Lengths, key.Strides, options.Layout, nameof(key));
        OperandExtent valueExtent = ShapeChecks.Extent(value.Lengths, value.Strides, options.Layout, nameof(value));
        OperandExtent destinationExtent = ShapeChecks.Extent(destination.Lengths, destination.Strides, options.Layout, nameof(destination));
        fixed (float* queryData = query, keyData = key, valueData = value, destinationData = destination)
        {
            Run(queryData, queryExtent, keyData, keyExtent, valueData, valueExtent, destinationData, destinationExtent, options, isBinary, logSumExp, cancellationToken);
        }
    }

    private static unsafe void Run(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, AttentionOptions options, bool isBinary, Span<float> logSumExp, CancellationToken cancellationToken)
    {
        (OperandExtent queryExtent, OperandExtent keyExtent, OperandExtent valueExtent, OperandExtent destinationExtent) = ShapeChecks.Extents(shape, options.Layout);
        ShapeChecks.Length(query.Length, queryExtent);
        ShapeChecks.Length(key.Length, keyExtent);
        ShapeChecks.Length(value.Length, valueExtent);
        ShapeChecks.Length(destination.Length, destinationExtent);
        fixed (float* queryData = query, keyData = key, valueData = value, destinationData = destination)
        {
            Run(queryData, queryExtent, keyData, keyExtent, valueData, valueExtent, destinationData, destinationExtent, options, isBinary, logSumExp, cancellationToken);
        }
    }

    private static unsafe void Run(float* query, in OperandExtent queryExtent, float* key, in OperandExtent keyExtent, float* value, in OperandExtent valueExtent, float* destination, in OperandExtent destinationExtent, AttentionOptions options, bool isBinary, Span<float> logSumExp, CancellationToken cancellationToken)
    {
        AttentionShape shape = CheckOperands(query, queryExtent, key, keyExtent, value, valueExtent, destination, destinationExtent, logSumExp.Length);
        Attend(query, queryExtent, key, keyExtent, value, valueExtent, destination, destinationExtent, SpecificationBuilder.Build(shape, options, isBinary), options, logSumExp, cancellationToken);
    }

    private static unsafe void Attend(float* query, in OperandExtent queryExtent, float* key, in OperandExtent keyExtent, float* value, in OperandExtent valueExtent, float* destination, in OperandExtent destinationExtent, AttentionSpecification specification, AttentionOptions options, Span<float> logSumExp, CancellationToken cancellationToken)
    {
        IAttentionKernel kernel = KernelSelector.Select(specification, options.Kernel, CpuFeatures.Current);
        cancellationToken.ThrowIfCancellationRequested();
        fixed (float* logSumExpData = logSumExp)
        {
            ShapeChecks.NoOverlap(logSumExpData, logSumExp.Length, destination, destinationExtent);
            ShapeChecks.NoOverlap(logSumExpData, logSumExp.Length, query, queryExtent);
            ShapeChecks.NoOverlap(logSumExpData, logSumExp.Length, key, keyExtent);
            ShapeChecks.NoOverlap(logSumExpData, logSumExp.Length, value, valueExtent);
            using KernelRun run = CalibratedRun.Create(kernel, specification);
            run.SetKeyValue(keyExtent.View(key), valueExtent.View(value), cancellationToken);
            run.SetQuery(queryExtent.View(query), cancellationToken);
            run.Attend(destinationExtent.View(destination), logSumExpData, cancellationToken);
        }
    }

    private static unsafe AttentionShape CheckOperands(float* query, in OperandExtent queryExtent, float* key, in OperandExtent keyExtent, float* value, in OperandExtent valueExtent, float* destination, in OperandExtent destinationExtent, int logSumExpLength)
    {
        AttentionShape shape = ShapeChecks.Match(queryExtent, keyExtent, valueExtent, destinationExtent);
        ShapeChecks.DestinationStrides(destinationExtent);
        ShapeChecks.NoOverlap(destination, destinationExtent, query, queryExtent);
        ShapeChecks.NoOverlap(destination, destinationExtent, key, keyExtent);
        ShapeChecks.NoOverlap(destination, destinationExtent, value, valueExtent);
        ShapeChecks.LogSumExp(logSumExpLength, shape);
        return shape;
    }
}
