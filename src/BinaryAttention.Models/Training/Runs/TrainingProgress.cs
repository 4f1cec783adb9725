namespace BinaryAttention.Models.Training.Runs;

/// <summary>Where a run stands, after a step of the optimiser.</summary>
public sealed record TrainingProgress
{
    /// <summary>Finished steps.</summary>
    public long Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public long Steps { get; init; }

    /// <summary>The running epoch, from 1.</summary>
    public int Epoch { get; init; }

    /// <summary>Mean loss of the running epoch so far.</summary>
    public double Loss { get; init; }

    /// <summary>Share of the running epoch's training pictures, as augmented, whose class came first, 0..1; NaN without labels.</summary>
    public double TrainAccuracy { get; init; }

    /// <summary>The learning rate of the step.</summary>
    public double LearningRate { get; init; }

    /// <summary>Training pictures a second since the run was started or continued, measurements included.</summary>
    public double ImagesPerSecond { get; init; }

    /// <summary>Time until the end at that speed.</summary>
    public TimeSpan Remaining { get; init; }

    /// <summary>Set at the end of an epoch: the measurement on the pictures to select by, if there are any.</summary>
    public Evaluation.Measurement? Selection { get; init; }

    /// <summary>Whether an epoch has just ended.</summary>
    public bool IsEndOfEpoch { get; init; }

    /// <summary>Whether the weights of this epoch are the best so far.</summary>
    public bool IsBest { get; init; }
}
