namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>A value that has no meaning here, such as what a call of an unknown function would have made. The call did not happen.</summary>
internal sealed record PickleOpaque(string Description);
