namespace BinaryAttention.Models.Training.Checkpoints;

/// <summary>What a checkpoint holds.</summary>
/// <param name="Position">Where the run stood.</param>
/// <param name="Tensors">All tensors by name.</param>
internal sealed record StoredState(TrainingPosition Position, IReadOnlyDictionary<string, StateTensor> Tensors);
