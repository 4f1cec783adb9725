namespace BinaryAttention.Models.Training.Checkpoints;

/// <summary>Where a run stands, beside its tensors. Random decisions have no state: they follow from the seed and this.</summary>
/// <param name="Step">Finished steps of the optimiser.</param>
/// <param name="Batch">Batches that were used, the number of the next one.</param>
/// <param name="EpochLoss">Sum of the losses of the running epoch's batches.</param>
/// <param name="EpochCorrect">Training pictures of the running epoch whose class came first.</param>
/// <param name="EpochBatches">Batches of the running epoch.</param>
/// <param name="BestStep">The step whose weights were exported, -1 before the first.</param>
/// <param name="BestAccuracy">Their accuracy on the pictures to select by, 0..1; -1 before the first.</param>
internal sealed record TrainingPosition(long Step, long Batch, double EpochLoss, long EpochCorrect, long EpochBatches, long BestStep, double BestAccuracy)
{
    public static TrainingPosition Start { get; } = new(0, 0, 0, 0, 0, -1, -1);
}
