namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>What a checkpoint says about a tensor, nothing of it checked yet.</summary>
/// <param name="Storage">Where its values are.</param>
/// <param name="ElementOffset">First element in the storage.</param>
/// <param name="Shape">Length of every dimension.</param>
/// <param name="Strides">Elements between neighbours along every dimension.</param>
/// <param name="ElementKind">The element type where the storage does not tell, or null.</param>
/// <param name="PickleOffset">Where the pickle puts it together.</param>
internal sealed record PickleTensor(PickleStorage Storage, long ElementOffset, long[] Shape, long[] Strides, PickleGlobal? ElementKind, int PickleOffset);
