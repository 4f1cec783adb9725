namespace BinaryAttention.Models.Vision;

/// <summary>
/// Sees the operands of every layer's attention while a model runs, just before they are used; nothing is copied or kept for it. A model that runs on several threads
/// calls its observer from each of them. The spans are valid during the call alone.
/// </summary>
public interface IAttentionObserver
{
    /// <summary>Called once per layer and pass of up to eight images, layers in order.</summary>
    /// <param name="layer">The transformer block, from 0.</param>
    /// <param name="query">Queries, as <paramref name="shape"/> and the layout of <paramref name="options"/> say.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="shape">Sizes and token strides; all three are read in place out of the fused projection.</param>
    /// <param name="options">What the layer is about to compute: exact options, or <see cref="BinaryAttentionOptions"/>.</param>
    /// <param name="cancellationToken">The running call's.</param>
    void Observe(int layer, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, in AttentionShape shape, AttentionOptions options, CancellationToken cancellationToken);
}
