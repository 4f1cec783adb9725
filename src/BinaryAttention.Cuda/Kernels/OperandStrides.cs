namespace BinaryAttention.Cuda.Kernels;

/// <summary>Elements between neighbours of one operand; channels are always adjacent.</summary>
/// <param name="Batch">From batch item to batch item.</param>
/// <param name="Head">From head to head.</param>
/// <param name="Token">From token to token.</param>
internal readonly record struct OperandStrides(long Batch, long Head, long Token)
{
    /// <summary>Dense <c>[batch, heads, tokens, channels]</c>.</summary>
    public static OperandStrides Dense(int heads, int tokens, int channels) => new((long)heads * tokens * channels, (long)tokens * channels, channels);
}
