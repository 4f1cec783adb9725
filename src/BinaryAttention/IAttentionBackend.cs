namespace BinaryAttention;

/// <summary>
/// Something that computes attention: the CPU (<see cref="CpuAttentionBackend"/>) or another device. Models talk to this interface alone.
/// Implementations are safe to call from several threads.
/// </summary>
public interface IAttentionBackend
{
    /// <summary>A short name for reports, such as "cpu".</summary>
    string Name { get; }

    /// <summary>Exact attention; operands as in <see cref="Attention.ScaledDotProduct(ReadOnlySpan{float}, ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float}, in AttentionShape, AttentionOptions?, Span{float}, CancellationToken)"/>.</summary>
    /// <param name="query">Queries.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="destination">Receives the output.</param>
    /// <param name="shape">Sizes and token strides.</param>
    /// <param name="options">Options; defaults if null.</param>
    /// <param name="logSumExp">Receives the row log-sum-exp <c>[batch, heads, queryLength]</c>, or empty.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    void ScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, AttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default);

    /// <summary>One-bit attention; operands as in <see cref="Attention.BinaryScaledDotProduct(ReadOnlySpan{float}, ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float}, in AttentionShape, BinaryAttentionOptions?, Span{float}, CancellationToken)"/>.</summary>
    /// <param name="query">Queries.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="destination">Receives the output.</param>
    /// <param name="shape">Sizes and token strides.</param>
    /// <param name="options">Options; defaults if null.</param>
    /// <param name="logSumExp">Receives the row log-sum-exp <c>[batch, heads, queryLength]</c>, or empty.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    void BinaryScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default);

    /// <summary>8-bit attention; operands as in <see cref="Attention.EightBitScaledDotProduct(ReadOnlySpan{float}, ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float}, in AttentionShape, EightBitAttentionOptions?, Span{float}, CancellationToken)"/>. Refused by backends that do not implement it.</summary>
    /// <param name="query">Queries.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="destination">Receives the output.</param>
    /// <param name="shape">Sizes and token strides.</param>
    /// <param name="options">Options; defaults if null.</param>
    /// <param name="logSumExp">Receives the row log-sum-exp <c>[batch, heads, queryLength]</c>, or empty.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    /// <exception cref="NotSupportedException">The backend has no 8-bit attention.</exception>
    void EightBitScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, EightBitAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException($"Backend \"{Name}\" has no 8-bit attention. Use CpuAttentionBackend, or another attention.");
}
