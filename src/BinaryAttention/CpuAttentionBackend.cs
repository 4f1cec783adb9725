namespace BinaryAttention;

/// <summary>Attention on the CPU: <see cref="Attention"/> behind the backend interface.</summary>
public sealed class CpuAttentionBackend : IAttentionBackend
{
    private CpuAttentionBackend()
    {
    }

    /// <summary>The one instance; it has no state.</summary>
    public static CpuAttentionBackend Instance { get; } = new();

    /// <inheritdoc/>
    public string Name => "cpu";

    /// <inheritdoc/>
    public void ScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, AttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        Attention.ScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);

    /// <inheritdoc/>
    public void EightBitScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, EightBitAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        Attention.EightBitScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);

    /// <inheritdoc/>
    public void BinaryScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);
}
