// The public door of 8-bit attention: here -> ShapeChecks -> KernelSelector -> a kernel.
using System.Numerics.Tensors;
using BinaryAttention.Kernels;
using BinaryAttention.Shapes;

namespace BinaryAttention;

/// <content>8-bit attention.</content>
public static partial class Attention
{
    private static readonly EightBitAttentionOptions DefaultEightBit = new();

    /// <summary>
    /// Attention with signed 8-bit queries and keys, the middle way between exact and one bit (the idea of SageAttention): keys lose their mean over the tokens, which softmax does not see, and
    /// every token has its own scale, <c>logit[i,j] = queryScale[i] * keyScale[j] * logitScale * (levels[i] . levels[j]) + bias[i,j]</c>.
    /// </summary>
    /// <param name="query"><c>[batch, heads, queryLength, headDimension]</c> (or tokens before heads, see <see cref="AttentionOptions.Layout"/>); any strides with contiguous channels.</param>
    /// <param name="key"><c>[batch, keyHeads, keyLength, headDimension]</c>; keyHeads divides heads (grouped-query attention).</param>
    /// <param name="value"><c>[batch, keyHeads, keyLength, valueDimension]</c>.</param>
    /// <param name="destination"><c>[batch, heads, queryLength, valueDimension]</c>; must not overlap an operand.</param>
    /// <param name="options">Options; tiled 8-bit probabilities and values if null.</param>
    /// <param name="logSumExp">Receives <c>log(sum(exp(logits)))</c> of every row, the keys' mean included, <c>[batch, heads, queryLength]</c>, or empty; must not overlap an operand or the destination.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit; the message names parameter, value, expectation and remedy.</exception>
    /// <exception cref="NotSupportedException">A forced kernel cannot run this call.</exception>
    /// <remarks>
    /// A NaN or infinity in the queries or keys of a head gives NaN in that head's whole output; in a value channel, NaN in that channel. A row whose keys are all masked gives zeros and
    /// log-sum-exp -infinity. The mean runs over all valid keys, whatever the mask shows a row.
    /// </remarks>
    public static unsafe void EightBitScaledDotProduct(in ReadOnlyTensorSpan<float> query, in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, in TensorSpan<float> destination, EightBitAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default)
    {
        options ??= DefaultEightBit;
        OperandExtent queryExtent = ShapeChecks.Extent(query.Lengths, query.Strides, options.Layout, nameof(query));
        OperandExtent keyExtent = ShapeChecks.Extent(key.Lengths, key.Strides, options.Layout, nameof(key));
        OperandExtent valueExtent = ShapeChecks.Extent(value.Lengths, value.Strides, options.Layout, nameof(value));
        OperandExtent destinationExtent = ShapeChecks.Extent(destination.Lengths, destination.Strides, options.Layout, nameof(destination));
        fixed (float* queryData = query, keyData = key, valueData = value, destinationData = destination)
        {
            RunEightBit(queryData, queryExtent, keyData, keyExtent, valueData, valueExtent, destinationData, destinationExtent, options, logSumExp, cancellationToken);
        }
    }

    /// <summary>8-bit attention over plain spans.</summary>
    /// <param name="query">Queries, laid out as <paramref name="shape"/> and <see cref="AttentionOptions.Layout"/> say.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="destination">Receives the output; must not overlap an operand.</param>
    /// <param name="shape">Sizes and token strides.</param>
    /// <param name="options">Options; tiled 8-bit probabilities and values if null.</param>
    /// <param name="logSumExp">Receives the row log-sum-exp <c>[batch, heads, queryLength]</c>, or empty; must not overlap an operand or the destination.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit.</exception>
    /// <exception cref="NotSupportedException">A forced kernel cannot run this call.</exception>
    public static unsafe void EightBitScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, EightBitAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default)
    {
        options ??= DefaultEightBit;
        (OperandExtent queryExtent, OperandExtent keyExtent, OperandExtent valueExtent, OperandExtent destinationExtent) = ShapeChecks.Extents(shape, options.Layout);
        ShapeChecks.Length(query.Length, queryExtent);
        ShapeChecks.Length(key.Length, keyExtent);
        ShapeChecks.Length(value.Length, valueExtent);
        ShapeChecks.Length(destination.Length, destinationExtent);
        fixed (float* queryData = query, keyData = key, valueData = value, destinationData = destination)
        {
            RunEightBit(queryData, queryExtent, keyData, keyExtent, valueData, valueExtent, destinationData, destinationExtent, options, logSumExp, cancellationToken);
        }
    }

    private static unsafe void RunEightBit(float* query, in OperandExtent queryExtent, float* key, in OperandExtent keyExtent, float* value, in OperandExtent valueExtent, float* destination, in OperandExtent destinationExtent, EightBitAttentionOptions options, Span<float> logSumExp, CancellationToken cancellationToken)
    {
        AttentionShape shape = CheckOperands(query, queryExtent, key, keyExtent, value, valueExtent, destination, destinationExtent, logSumExp.Length);
        Attend(query, queryExtent, key, keyExtent, value, valueExtent, destination, destinationExtent, SpecificationBuilder.BuildEightBit(shape, options), options, logSumExp, cancellationToken);
    }
}
