namespace BinaryAttention.Models.Training.Data;

/// <summary>What one forward pass learns from.</summary>
/// <param name="Number">Which batch of the run, from 0.</param>
/// <param name="Images">Normalised pixels <c>[batch, channels, height, width]</c>.</param>
/// <param name="Labels">Class of each picture before any mixing; -1 without labels.</param>
/// <param name="Targets">Class probabilities <c>[batch, classes]</c>, smoothed and mixed; empty without labels.</param>
internal sealed record TrainingBatch(long Number, float[] Images, int[] Labels, float[] Targets);
