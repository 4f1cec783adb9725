// The GPU's public door beside Attention: the same arguments, the same checks.
using System.Numerics.Tensors;
using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Shapes;

namespace BinaryAttention.Cuda;

/// <summary>
/// One-bit attention over host memory on the first usable GPU, with the arguments of <see cref="Attention"/>. For another device use <see cref="CudaAttentionBackend"/>,
/// for operands that are in device memory already <see cref="CudaAttentionPlan"/>. Thread-safe; a call returns when its output is in place.
/// </summary>
public static class CudaAttention
{
    private static readonly BinaryAttentionOptions DefaultOptions = new();

    /// <summary>One-bit attention as <see cref="Attention.BinaryScaledDotProduct(in ReadOnlyTensorSpan{float}, in ReadOnlyTensorSpan{float}, in ReadOnlyTensorSpan{float}, in TensorSpan{float}, BinaryAttentionOptions?, Span{float}, CancellationToken)"/> computes it.</summary>
    /// <param name="query"><c>[batch, heads, queryLength, headDimension]</c> (or tokens before heads, see <see cref="AttentionOptions.Layout"/>); any strides with contiguous channels.</param>
    /// <param name="key"><c>[batch, keyHeads, keyLength, headDimension]</c>; keyHeads divides heads.</param>
    /// <param name="value"><c>[batch, keyHeads, keyLength, valueDimension]</c>.</param>
    /// <param name="destination"><c>[batch, heads, queryLength, valueDimension]</c>; must not overlap an operand.</param>
    /// <param name="options">Options; per-head mean magnitudes and tiled 8-bit values if null.</param>
    /// <param name="logSumExp">Receives <c>log(sum(exp(logits)))</c> of every row, <c>[batch, heads, queryLength]</c>, or empty.</param>
    /// <param name="cancellationToken">Checked before the device starts.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit.</exception>
    /// <exception cref="NotSupportedException">No GPU can be used, or an option has no CUDA kernel; the message names the reason and a remedy.</exception>
    /// <exception cref="CudaException">A call of the driver failed.</exception>
    public static void BinaryScaledDotProduct(in ReadOnlyTensorSpan<float> query, in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, in TensorSpan<float> destination, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        Run(CudaDevice.Default, query, key, value, destination, options ?? DefaultOptions, logSumExp, cancellationToken);

    /// <summary>One-bit attention over plain spans.</summary>
    /// <param name="query">Queries, laid out as <paramref name="shape"/> and <see cref="AttentionOptions.Layout"/> say.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="destination">Receives the output; must not overlap an operand.</param>
    /// <param name="shape">Sizes and token strides.</param>
    /// <param name="options">Options; per-head mean magnitudes and tiled 8-bit values if null.</param>
    /// <param name="logSumExp">Receives the row log-sum-exp <c>[batch, heads, queryLength]</c>, or empty.</param>
    /// <param name="cancellationToken">Checked before the device starts.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit.</exception>
    /// <exception cref="NotSupportedException">No GPU can be used, or an option has no CUDA kernel; the message names the reason and a remedy.</exception>
    /// <exception cref="CudaException">A call of the driver failed.</exception>
    public static void BinaryScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        new CudaAttentionBackend().BinaryScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);

    /// <summary>Tensor spans on a given device.</summary>
    internal static unsafe void Run(CudaDevice device, in ReadOnlyTensorSpan<float> query, in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, in TensorSpan<float> destination, BinaryAttentionOptions options, Span<float> logSumExp, CancellationToken cancellationToken)
    {
        OperandExtent queryExtent = ShapeChecks.Extent(query.Lengths, query.Strides, options.Layout, nameof(query));
        OperandExtent keyExtent = ShapeChecks.Extent(key.Lengths, key.Strides, options.Layout, nameof(key));
        OperandExtent valueExtent = ShapeChecks.Extent(value.Lengths, value.Strides, options.Layout, nameof(value));
        OperandExtent destinationExtent = ShapeChecks.Extent(destination.Lengths, destination.Strides, options.Layout, nameof(destination));
        fixed (float* queryData = query, keyData = key, valueData = value, destinationData = destination, logSumExpData = logSumExp)
        {
            var operands = new HostOperands
            {
                Query = queryData, QueryExtent = queryExtent,
                Key = keyData, KeyExtent = keyExtent,
                Value = valueData, ValueExtent = valueExtent,
                Destination = destinationData, DestinationExtent = destinationExtent,
            };
            HostCall.Run(device, operands, options, logSumExpData, logSumExp.Length, cancellationToken);
        }
    }
}
