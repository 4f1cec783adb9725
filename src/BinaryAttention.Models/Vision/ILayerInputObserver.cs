namespace BinaryAttention.Models.Vision;

/// <summary>An observer that also sees what the projections of a layer get: the tokens behind the layer's first norm.</summary>
internal interface ILayerInputObserver : IAttentionObserver
{
    /// <summary>Called once per layer and pass, before <see cref="IAttentionObserver.Observe"/>.</summary>
    /// <param name="layer">The transformer block, from 0.</param>
    /// <param name="input"><c>[batchSize * tokenCount, width]</c>, perhaps followed by more.</param>
    /// <param name="batchSize">Images.</param>
    /// <param name="tokenCount">Tokens of an image.</param>
    /// <param name="cancellationToken">The running call's.</param>
    void ObserveInput(int layer, ReadOnlySpan<float> input, int batchSize, int tokenCount, CancellationToken cancellationToken);
}
