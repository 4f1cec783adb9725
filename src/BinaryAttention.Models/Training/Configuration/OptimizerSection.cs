namespace BinaryAttention.Models.Training.Configuration;

/// <summary>How weights follow gradients.</summary>
public sealed record OptimizerSection
{
    /// <summary><c>adamw</c>, <c>adam</c> or <c>sgd</c>.</summary>
    public string Kind { get; set; } = "adamw";

    /// <summary>The largest learning rate of the schedule.</summary>
    public double LearningRate { get; set; } = 1e-3;

    /// <summary>Decay; biases, norms, embeddings and bias tables are excepted.</summary>
    public double WeightDecay { get; set; } = 0.05;

    /// <summary>Decay of the first moments (Adam), or momentum (SGD).</summary>
    public double Momentum { get; set; } = 0.9;

    /// <summary>Decay of the second moments (Adam).</summary>
    public double SecondMomentum { get; set; } = 0.999;

    /// <summary>Added to the root of the second moments (Adam).</summary>
    public double Epsilon { get; set; } = 1e-8;

    /// <summary>Largest norm of all gradients together; 0 does not clip.</summary>
    public double ClipNorm { get; set; }
}
