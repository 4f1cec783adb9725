// Which pictures form which batch: an epoch is a random order of all pictures, cut into whole steps (the rest, less than a step, is left out; another rest every epoch). With repeated
// augmentation each picture of the order comes several times in a row and the epoch ends after as many samples as before. A function of the seed and the batch's number alone.
namespace BinaryAttention.Models.Training.Data;

internal sealed class BatchPlan
{
    private readonly Randomness _randomness;
    private readonly int _count, _repeats;

    // The order of one epoch is asked for many times, by loader threads of at most two epochs at once.
    private Tuple<long, int[]>? _order, _other;

    public BatchPlan(Randomness randomness, int count, int batchSize, int repeats, int batchesPerStep = 1)
    {
        if ((long)batchSize * batchesPerStep > count)
        {
            throw new ArgumentException($"batch is {batchSize} and accumulation {batchesPerStep}, but there are only {count} pictures to train on. Choose a smaller batch or accumulation.", nameof(batchSize));
        }

        (_randomness, _count, BatchSize, _repeats) = (randomness, count, batchSize, repeats);
        BatchesPerEpoch = count / (batchSize * batchesPerStep) * batchesPerStep;
    }

    public int BatchSize { get; }

    /// <summary>Whole steps of the optimiser alone make an epoch.</summary>
    public int BatchesPerEpoch { get; }

    /// <summary>The picture at a place of a batch, and its place in the epoch, which decides its augmentation.</summary>
    public (int Sample, long Epoch, int Place) At(long batch, int index)
    {
        long epoch = batch / BatchesPerEpoch;
        int place = ((int)(batch % BatchesPerEpoch) * BatchSize) + index;
        return (Order(epoch)[place / _repeats], epoch, place);
    }

    private int[] Order(long epoch)
    {
        Tuple<long, int[]>? latest = Volatile.Read(ref _order), other = Volatile.Read(ref _other);
        if (latest?.Item1 == epoch)
        {
            return latest.Item2;
        }

        if (other?.Item1 == epoch)
        {
            return other.Item2;
        }

        RandomStream random = _randomness.Stream("order of pictures", epoch);
        int[] order = random.Permutation(_count);
        Volatile.Write(ref _other, latest);
        Volatile.Write(ref _order, Tuple.Create(epoch, order));
        return order;
    }
}
