namespace BinaryAttention.Models.Metrics;

/// <summary>What one layer's attention does to the model's answers, measured by running the model. Divergences are those of <see cref="LogitDivergence"/> from the fully exact model.</summary>
/// <param name="Layer">The layer, from 0.</param>
/// <param name="AloneDivergence">Divergence when this layer alone is one-bit and all others are exact.</param>
/// <param name="SparedDivergence">Divergence when this layer alone is exact and all others are one-bit.</param>
/// <param name="Gain">Divergence gained by making the layer exact: that of the all-one-bit model less <paramref name="SparedDivergence"/>. Negative where it makes things worse.</param>
public readonly record struct LayerSensitivity(int Layer, double AloneDivergence, double SparedDivergence, double Gain);
