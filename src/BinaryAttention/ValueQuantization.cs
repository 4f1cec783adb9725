namespace BinaryAttention;

/// <summary>How the attention probabilities and the values are held while they are multiplied.</summary>
public enum ValueQuantization
{
    /// <summary>Unsigned 8-bit numerators with the exact row sum, mean-centred signed 8-bit values per channel. The default: fast and close to <see cref="Full"/>.</summary>
    Tiled = 0,

    /// <summary>What the published training code computes: <c>round(255 * softmax)</c> and uncentred 8-bit values. Needed to reproduce its checkpoints; loses flat attention over long sequences.</summary>
    TrainingParity = 1,

    /// <summary>Float probabilities and float values.</summary>
    Full = 2,
}
