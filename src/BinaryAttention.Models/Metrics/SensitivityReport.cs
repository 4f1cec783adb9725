namespace BinaryAttention.Models.Metrics;

/// <summary>Which layers suffer most from one-bit attention.</summary>
/// <param name="ImageCount">Images that were run.</param>
/// <param name="AllBinary">The model with every layer one-bit.</param>
/// <param name="Layers">Every layer, in order; empty if no search was asked for.</param>
/// <param name="Suggestions">With one, two, ... layers exact, each adding to those before the layer that helps most.</param>
public sealed record SensitivityReport(int ImageCount, MixedAttention AllBinary, IReadOnlyList<LayerSensitivity> Layers, IReadOnlyList<MixedAttention> Suggestions);
