namespace BinaryAttention.Models.Training.Runs;

/// <summary>What one step of a run takes.</summary>
/// <param name="StepTime">Its time, batches prepared in turn.</param>
/// <param name="PeakActivationBytes">Largest memory of values and gradients between layers.</param>
/// <param name="StateBytes">Memory of weights, gradients, the optimiser's numbers and the moving average.</param>
public sealed record TrainingTrial(TimeSpan StepTime, long PeakActivationBytes, long StateBytes);
