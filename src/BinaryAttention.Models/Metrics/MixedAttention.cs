namespace BinaryAttention.Models.Metrics;

/// <summary>A model some of whose layers are exact and the others one-bit, as it was measured.</summary>
/// <param name="ExactLayers">The exact layers, in the order in which they were chosen; empty when all are one-bit.</param>
/// <param name="Divergence">Mean Kullback-Leibler divergence of its classes from the fully exact model's, in nats.</param>
/// <param name="Agreement">Share of the images to which it gives the exact model's top-1 class, 0 to 1.</param>
public sealed record MixedAttention(IReadOnlyList<int> ExactLayers, double Divergence, double Agreement);
