namespace BinaryAttention.Models.Training.Configuration;

/// <summary>How the learning rate changes over the run.</summary>
public sealed record ScheduleSection
{
    /// <summary><c>cosine</c>, <c>step</c> or <c>constant</c>, each behind the warm-up.</summary>
    public string Kind { get; set; } = "cosine";

    /// <summary>Epochs in which the rate grows linearly.</summary>
    public double WarmUpEpochs { get; set; }

    /// <summary>The rate at the start of the warm-up.</summary>
    public double WarmUpLearningRate { get; set; } = 1e-6;

    /// <summary>The rate at the end of the cosine.</summary>
    public double MinimumLearningRate { get; set; } = 1e-5;

    /// <summary>Epochs between two steps.</summary>
    public double StepEpochs { get; set; } = 30;

    /// <summary>What each step multiplies the rate with.</summary>
    public double StepFactor { get; set; } = 0.1;
}
