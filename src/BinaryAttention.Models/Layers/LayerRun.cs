namespace BinaryAttention.Models.Layers;

/// <summary>What one layer computes, bound to it.</summary>
/// <param name="Options">Exact, 8-bit or one-bit options.</param>
/// <param name="IsCalibrated">Whether the codes of a calibrated checkpoint take the place of queries and keys.</param>
internal readonly record struct LayerRun(AttentionOptions Options, bool IsCalibrated = false);
