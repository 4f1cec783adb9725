namespace BinaryAttention.Models.Metrics;

/// <summary>The attention maps of one head on one image, exact and one-bit.</summary>
/// <param name="Layer">The layer, from 0.</param>
/// <param name="Head">The head, from 0.</param>
/// <param name="Exact">The exact map.</param>
/// <param name="Binary">The one-bit map on the same queries and keys.</param>
public sealed record HeadMaps(int Layer, int Head, AttentionMap Exact, AttentionMap Binary);
