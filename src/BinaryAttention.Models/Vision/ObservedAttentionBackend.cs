// A backend that shows the operands to an observer before it passes them on: layers need not know that they are watched.
namespace BinaryAttention.Models.Vision;

internal sealed class ObservedAttentionBackend(IAttentionBackend backend, IAttentionObserver observer, int layer) : IAttentionBackend
{
    public string Name => backend.Name;

    /// <summary>Whether the observer asks for the input of the layer.</summary>
    public bool WantsInput => observer is ILayerInputObserver;

    /// <summary>Shows the normalised tokens that the layer projects, to an observer that asks for them.</summary>
    public void ObserveInput(ReadOnlySpan<float> input, int batchSize, int tokenCount, CancellationToken cancellationToken) =>
        (observer as ILayerInputObserver)?.ObserveInput(layer, input, batchSize, tokenCount, cancellationToken);

    public void ScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, AttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default)
    {
        observer.Observe(layer, query, key, value, shape, options ?? new AttentionOptions(), cancellationToken);
        backend.ScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);
    }

    public void EightBitScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, EightBitAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default)
    {
        observer.Observe(layer, query, key, value, shape, options ?? new EightBitAttentionOptions(), cancellationToken);
        backend.EightBitScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);
    }

    public void BinaryScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default)
    {
        observer.Observe(layer, query, key, value, shape, options ?? new BinaryAttentionOptions(), cancellationToken);
        backend.BinaryScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);
    }
}
