namespace BinaryAttention.Models.Training.Runs;

/// <summary>One epoch of a run's log; NaN where nothing was measured.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Step">Finished steps.</param>
/// <param name="Loss">Mean training loss.</param>
/// <param name="TrainAccuracy">On augmented training pictures, 0..1.</param>
/// <param name="SelectLoss">Mean cross entropy on the pictures to select by.</param>
/// <param name="SelectAccuracy">Accuracy on them, 0..1.</param>
internal sealed record LoggedEpoch(int Epoch, long Step, double Loss, double TrainAccuracy, double SelectLoss, double SelectAccuracy);
