using BinaryAttention.Models.Training.Evaluation;

namespace BinaryAttention.Models.Training.Runs;

/// <summary>What a finished run came to.</summary>
public sealed record TrainingResult
{
    /// <summary>The step whose weights were chosen.</summary>
    public long BestStep { get; init; }

    /// <summary>Their accuracy on the pictures to select by, 0..1; -1 where there are none.</summary>
    public double SelectAccuracy { get; init; } = -1;

    /// <summary>Their measurement on the test pictures, if there are any.</summary>
    public Measurement? Test { get; init; }

    /// <summary>Numbers the network learns.</summary>
    public long ParameterCount { get; init; }
}
