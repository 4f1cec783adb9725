namespace BinaryAttention.Models.Training.Checkpoints;

/// <summary>One tensor of a run's state.</summary>
/// <param name="Name">What it is, such as <c>weights/head.bias</c>.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Values">The values, row-major.</param>
internal sealed record StateTensor(string Name, IReadOnlyList<long> Shape, float[] Values);
