// The public door of the gradients: here -> BackwardChecks -> KernelSelector -> a kernel's Backward.
using System.Numerics.Tensors;
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Backward;
using BinaryAttention.Shapes;

namespace BinaryAttention;

/// <content>Gradients.</content>
public static partial class Attention
{
    /// <summary>
    /// Gradients of exact attention: of <c>sum(output * outputGradient)</c> with respect to query, key, value and the bias. Logits are computed again tile by tile; nothing of size
    /// queryLength x keyLength is stored.
    /// </summary>
    /// <param name="query">As in the forward call.</param>
    /// <param name="key">As in the forward call.</param>
    /// <param name="value">As in the forward call.</param>
    /// <param name="logSumExp">What the forward call of the same operands and options returned, <c>[batch, heads, queryLength]</c>. Other numbers cost time, not correctness.</param>
    /// <param name="outputGradient"><c>[batch, heads, queryLength, valueDimension]</c>, the gradient of the loss with respect to the output.</param>
    /// <param name="queryGradient">Receives the gradient of <paramref name="query"/>, of its shape; must not overlap an operand or another gradient.</param>
    /// <param name="keyGradient">Receives the gradient of <paramref name="key"/>; that of a key head is the sum over its query heads.</param>
    /// <param name="valueGradient">Receives the gradient of <paramref name="value"/>; that of a value head is the sum over its query heads.</param>
    /// <param name="options">The options of the forward call. A <see cref="BinaryAttentionOptions"/> is refused.</param>
    /// <param name="optionGradients">Where to write the gradient of the bias, if wanted.</param>
    /// <param name="cancellationToken">Checked between tiles; the gradients hold partial results after a cancellation.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit; the message names parameter, value, expectation and remedy.</exception>
    /// <exception cref="NotSupportedException">A forced kernel has no backward pass or cannot run this call.</exception>
    /// <remarks>
    /// Padded tokens and rows that see no key get and give zero. A NaN or infinity in a head's valid queries, keys, values or output gradients gives NaN in all gradients that the head takes part in.
    /// The gradients have the same bits at any number of threads.
    /// </remarks>
    public static void ScaledDotProductBackward(in ReadOnlyTensorSpan<float> query, in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, ReadOnlySpan<float> logSumExp, in ReadOnlyTensorSpan<float> outputGradient, in TensorSpan<float> queryGradient, in TensorSpan<float> keyGradient, in TensorSpan<float> valueGradient, AttentionOptions? options = null, AttentionOptionGradients optionGradients = default, CancellationToken cancellationToken = default) =>
        Differentiate(query, key, value, logSumExp, outputGradient, queryGradient, keyGradient, valueGradient, options ?? DefaultExact, isBinary: false, optionGradients, cancellationToken);

    /// <summary>Gradients of exact attention over plain spans.</summary>
    /// <param name="query">As in the forward call.</param>
    /// <param name="key">As in the forward call.</param>
    /// <param name="value">As in the forward call.</param>
    /// <param name="logSumExp">What the forward call of the same operands and options returned, <c>[batch, heads, queryLength]</c>. Other numbers cost time, not correctness.</param>
    /// <param name="outputGradient">Gradient of the loss with respect to the output, laid out as the forward call's destination.</param>
    /// <param name="queryGradient">Receives the gradient of <paramref name="query"/>, laid out as it is; must not overlap an operand or another gradient (parts of one fused projection gradient may alternate).</param>
    /// <param name="keyGradient">Receives the gradient of <paramref name="key"/>, laid out as it is.</param>
    /// <param name="valueGradient">Receives the gradient of <paramref name="value"/>, laid out as it is.</param>
    /// <param name="shape">Sizes and token strides; a gradient has the token stride of its operand, <paramref name="outputGradient"/> that of the destination.</param>
    /// <param name="options">The options of the forward call. A <see cref="BinaryAttentionOptions"/> is refused.</param>
    /// <param name="optionGradients">Where to write the gradient of the bias, if wanted.</param>
    /// <param name="cancellationToken">Checked between tiles; the gradients hold partial results after a cancellation.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit.</exception>
    /// <exception cref="NotSupportedException">A forced kernel has no backward pass or cannot run this call.</exception>
    public static void ScaledDotProductBackward(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, ReadOnlySpan<float> logSumExp, ReadOnlySpan<float> outputGradient, Span<float> queryGradient, Span<float> keyGradient, Span<float> valueGradient, in AttentionShape shape, AttentionOptions? options = null, AttentionOptionGradients optionGradients = default, CancellationToken cancellationToken = default) =>
        Differentiate(query, key, value, logSumExp, outputGradient, queryGradient, keyGradient, valueGradient, shape, options ?? DefaultExact, isBinary: false, optionGradients, cancellationToken);

    /// <summary>
    /// Gradients of one-bit attention for those who train: of <c>sum(output * outputGradient)</c> with respect to query, key, value, the bias and learned weights, with straight-through signs
    /// (BinaryAttention, section 4.2): <c>d sign(x)/dx</c> counts as 1 where <c>-1 &lt;= x &lt;= 1</c> and as 0 elsewhere, mean magnitudes are differentiated as they are. Logits are computed again
    /// from the bits, tile by tile; nothing of size queryLength x keyLength is stored.
    /// </summary>
    /// <param name="query">As in the forward call.</param>
    /// <param name="key">As in the forward call.</param>
    /// <param name="value">As in the forward call.</param>
    /// <param name="logSumExp">What the forward call of the same operands and options returned, <c>[batch, heads, queryLength]</c>. Other numbers cost time, not correctness.</param>
    /// <param name="outputGradient"><c>[batch, heads, queryLength, valueDimension]</c>, the gradient of the loss with respect to the output.</param>
    /// <param name="queryGradient">Receives the gradient of <paramref name="query"/>, of its shape; must not overlap an operand or another gradient.</param>
    /// <param name="keyGradient">Receives the gradient of <paramref name="key"/>; that of a key head is the sum over its query heads.</param>
    /// <param name="valueGradient">Receives the gradient of <paramref name="value"/>; that of a value head is the sum over its query heads.</param>
    /// <param name="options">The options of the forward call. Second planes and a calibration's centres and rotation are refused: apply the linear maps to queries and keys before the call.</param>
    /// <param name="optionGradients">Where to write the gradients of the bias and of learned weights, if wanted.</param>
    /// <param name="cancellationToken">Checked between tiles; the gradients hold partial results after a cancellation.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit; the message names parameter, value, expectation and remedy.</exception>
    /// <exception cref="NotSupportedException">A forced kernel has no backward pass or cannot run this call.</exception>
    /// <remarks>
    /// Rounding counts as straight-through: <see cref="ValueQuantization.Tiled"/> has the gradient of <see cref="ValueQuantization.Full"/> at the same logits;
    /// <see cref="ValueQuantization.TrainingParity"/> multiplies by the rounded probabilities and values, as the published training code does, and gives values beyond +-2 no gradient. Learned weights
    /// leave queries and keys without a gradient. Padded tokens and rows that see no key get and give zero. A NaN or infinity in a head's valid queries, keys, values or output gradients gives
    /// NaN in all gradients that the head takes part in. The gradients have the same bits at any number of threads.
    /// </remarks>
    public static void BinaryScaledDotProductBackward(in ReadOnlyTensorSpan<float> query, in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, ReadOnlySpan<float> logSumExp, in ReadOnlyTensorSpan<float> outputGradient, in TensorSpan<float> queryGradient, in TensorSpan<float> keyGradient, in TensorSpan<float> valueGradient, BinaryAttentionOptions? options = null, AttentionOptionGradients optionGradients = default, CancellationToken cancellationToken = default) =>
        Differentiate(query, key, value, logSumExp, outputGradient, queryGradient, keyGradient, valueGradient, options ?? DefaultBinary, isBinary: true, optionGradients, cancellationToken);

    /// <summary>Gradients of one-bit attention over plain spans.</summary>
    /// <param name="query">As in the forward call.</param>
    /// <param name="key">As in the forward call.</param>
    /// <param name="value">As in the forward call.</param>
    /// <param name="logSumExp">What the forward call of the same operands and options returned, <c>[batch, heads, queryLength]</c>. Other numbers cost time, not correctness.</param>
    /// <param name="outputGradient">Gradient of the loss with respect to the output, laid out as the forward call's destination.</param>
    /// <param name="queryGradient">Receives the gradient of <paramref name="query"/>, laid out as it is; must not overlap an operand or another gradient (parts of one fused projection gradient may alternate).</param>
    /// <param name="keyGradient">Receives the gradient of <paramref name="key"/>, laid out as it is.</param>
    /// <param name="valueGradient">Receives the gradient of <paramref name="value"/>, laid out as it is.</param>
    /// <param name="shape">Sizes and token strides; a gradient has the token stride of its operand, <paramref name="outputGradient"/> that of the destination.</param>
    /// <param name="options">The options of the forward call. Second planes and a calibration's centres and rotation are refused: apply the linear maps to queries and keys before the call.</param>
    /// <param name="optionGradients">Where to write the gradients of the bias and of learned weights, if wanted.</param>
    /// <param name="cancellationToken">Checked between tiles; the gradients hold partial results after a cancellation.</param>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit.</exception>
    /// <exception cref="NotSupportedException">A forced kernel has no backward pass or cannot run this call.</exception>
    public static void BinaryScaledDotProductBackward(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, ReadOnlySpan<float> logSumExp, ReadOnlySpan<float> outputGradient, Span<float> queryGradient, Span<float> keyGradient, Span<float> valueGradient, in AttentionShape shape, BinaryAttentionOptions? options = null, AttentionOptionGradients optionGradients = default, CancellationToken cancellationToken = default) =>
        Differentiate(query, key, value, logSumExp, outputGradient, queryGradient, keyGradient, valueGradient, shape, options ?? DefaultBinary, isBinary: true, optionGradients, cancellationToken);

    private static unsafe void Differentiate(in ReadOnlyTensorSpan<float> query, in ReadOnlyTensorSpan<float> key, in ReadOnlyTensorSpan<float> value, ReadOnlySpan<float> logSumExp, in ReadOnlyTensorSpan<float> outputGradient, in TensorSpan<float> queryGradient, in TensorSpan<float> keyGradient, in TensorSpan<float> valueGradient, AttentionOptions options, bool isBinary, AttentionOptionGradients optionGradients, CancellationToken cancellationToken)
    {
        TensorLayout layout = options.Layout;
        fixed (float* queryData = query, keyData = key, valueData = value, upstream = outputGradient, queryResult = queryGradient, keyResult = keyGradient, valueResult = valueGradient)
        {
            Differentiate(
                new OperandMemory(queryData, ShapeChecks.Extent(query.Lengths, query.Strides, layout, nameof(query))),
                new OperandMemory(keyData, ShapeChecks.Extent(key.Lengths, key.Strides, layout, nameof(key))),
                new OperandMemory(valueData, ShapeChecks.Extent(value.Lengths, value.Strides, layout, nameof(value))),
                logSumExp,
                new OperandMemory(upstream, ShapeChecks.Extent(outputGradient.Lengths, outputGradient.Strides, layout, nameof(outputGradient))),
                new OperandMemory(queryResult, ShapeChecks.Extent(queryGradient.Lengths, queryGradient.Strides, layout, nameof(queryGradient))),
                new OperandMemory(keyResult, ShapeChecks.Extent(keyGradient.Lengths, keyGradient.Strides, layout, nameof(keyGradient))),
                new OperandMemory(valueResult, ShapeChecks.Extent(valueGradient.Lengths, valueGradient.Strides, layout, nameof(valueGradient))),
                options,
                isBinary,
                optionGradients,
                cancellationToken);
        }
    }

    private static unsafe void Differentiate(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, ReadOnlySpan<float> logSumExp, ReadOnlySpan<float> outputGradient, Span<float> queryGradient, Span<float> keyGradient, Span<float> valueGradient, in AttentionShape shape, AttentionOptions options, bool isBinary, AttentionOptionGradients optionGradients, CancellationToken cancellationToken)
    {
        (OperandExtent queryExtent, OperandExtent keyExtent, OperandExtent valueExtent, OperandExtent destinationExtent) = ShapeChecks.Extents(shape, options.Layout);
        fixed (float* queryData = query, keyData = key, valueData = value, upstream = outputGradient, queryResult = queryGradient, keyResult = keyGradient, valueResult = valueGradient)
        {
            Differentiate(
                OperandMemory.Create(queryData, query.Length, queryExtent),
                OperandMemory.Create(keyData, key.Length, keyExtent),
                OperandMemory.Create(valueData, value.Length, valueExtent),
                logSumExp,
                OperandMemory.Create(upstream, outputGradient.Length, destinationExtent with { Name = nameof(outputGradient) }),
                OperandMemory.Create(queryResult, queryGradient.Length, queryExtent with { Name = nameof(queryGradient) }),
                OperandMemory.Create(keyResult, keyGradient.Length, keyExtent with { Name = nameof(keyGradient) }),
                OperandMemory.Create(valueResult, valueGradient.Length, valueExtent with { Name = nameof(valueGradient) }),
                options,
                isBinary,
                optionGradients,
                cancellationToken);
        }
    }

    private static unsafe void Differentiate(in OperandMemory query, in OperandMemory key, in OperandMemory value, ReadOnlySpan<float> logSumExp, in OperandMemory outputGradient, in OperandMemory queryGradient, in OperandMemory keyGradient, in OperandMemory valueGradient, AttentionOptions options, bool isBinary, AttentionOptionGradients optionGradients, CancellationToken cancellationToken)
    {
        AttentionShape shape = ShapeChecks.Match(query.Extent, key.Extent, value.Extent, outputGradient.Extent);
        AttentionSpecification specification = SpecificationBuilder.Build(shape, options, isBinary);
        BackwardChecks.Options(specification);
        BackwardChecks.SameSizes(query.Extent, queryGradient.Extent);
        BackwardChecks.SameSizes(key.Extent, keyGradient.Extent);
        BackwardChecks.SameSizes(value.Extent, valueGradient.Extent);
        BackwardChecks.LogSumExp(logSumExp.Length, shape);
        BackwardChecks.OptionGradients(optionGradients, specification);
        fixed (float* logSumExpData = logSumExp, bias = optionGradients.Bias, biasKeyFactors = optionGradients.BiasKeyFactors, rowWeights = optionGradients.RowWeights, columnWeights = optionGradients.ColumnWeights)
        {
            ReadOnlySpan<OperandMemory> results =
            [
                queryGradient, keyGradient, valueGradient,
                OperandMemory.Dense(bias, optionGradients.Bias.Length, "optionGradients.Bias"),
                OperandMemory.Dense(biasKeyFactors, optionGradients.BiasKeyFactors.Length, "optionGradients.BiasKeyFactors"),
                OperandMemory.Dense(rowWeights, optionGradients.RowWeights.Length, "optionGradients.RowWeights"),
                OperandMemory.Dense(columnWeights, optionGradients.ColumnWeights.Length, "optionGradients.ColumnWeights"),
            ];
            BackwardChecks.NoOverlap(results, [query, key, value, outputGradient, OperandMemory.Dense(logSumExpData, logSumExp.Length, nameof(logSumExp))]);
            var call = new BackwardCall
            {
                Query = query.View,
                Key = key.View,
                Value = value.View,
                OutputGradient = outputGradient.View,
                LogSumExp = logSumExpData,
                QueryGradient = queryGradient.View,
                KeyGradient = keyGradient.View,
                ValueGradient = valueGradient.View,
                Bias = bias,
                BiasKeyFactors = biasKeyFactors,
                RowWeights = rowWeights,
                ColumnWeights = columnWeights,
            };
            IAttentionKernel kernel = KernelSelector.SelectBackward(specification, options.Kernel, CpuFeatures.Current);
            cancellationToken.ThrowIfCancellationRequested();
            BackwardRun.Run(kernel, specification, call, cancellationToken);
        }
    }
}
