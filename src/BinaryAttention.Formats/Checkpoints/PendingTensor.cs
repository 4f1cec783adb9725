namespace BinaryAttention.Formats.Checkpoints;

/// <summary>A tensor whose header entry is sound by itself, and where that entry stands in the file (for messages about the layout).</summary>
internal readonly record struct PendingTensor(TensorEntry Entry, long NameByteOffset);
