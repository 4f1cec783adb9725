namespace BinaryAttention;

/// <summary>Options of 8-bit attention: those of exact attention and how probabilities and values are held.</summary>
public sealed record EightBitAttentionOptions : AttentionOptions
{
    /// <summary><see cref="ValueQuantization.Tiled"/> (default) or <see cref="ValueQuantization.Full"/>; <see cref="ValueQuantization.TrainingParity"/> is refused.</summary>
    public ValueQuantization Quantization { get; init; }
}
