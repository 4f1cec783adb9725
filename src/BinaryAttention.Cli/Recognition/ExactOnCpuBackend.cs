namespace BinaryAttention.Cli.Recognition;

/// <summary>One-bit attention on another backend, exact and 8-bit attention, which it does not have, on the CPU: named so in the help of --device.</summary>
internal sealed class ExactOnCpuBackend(IAttentionBackend oneBit) : IAttentionBackend
{
    public string Name => $"{oneBit.Name} (exact: cpu)";

    public void ScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, AttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        CpuAttentionBackend.Instance.ScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);

    public void EightBitScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, EightBitAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        CpuAttentionBackend.Instance.EightBitScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);

    public void BinaryScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        oneBit.BinaryScaledDotProduct(query, key, value, destination, shape, options, logSumExp, cancellationToken);
}
