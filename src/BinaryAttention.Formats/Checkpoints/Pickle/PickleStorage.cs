namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>A reference to the raw values of a tensor in another member of the archive.</summary>
/// <param name="Kind">Its class, such as torch.FloatStorage.</param>
/// <param name="Key">The member's name below <c>data/</c>.</param>
/// <param name="ElementCount">How many values it claims.</param>
internal sealed record PickleStorage(PickleGlobal Kind, string Key, long ElementCount);
