namespace BinaryAttention.Models.Training.Configuration;

/// <summary>
/// Everything that decides a training run. Read from JSON with comments by <see cref="ConfigurationFile"/>, where names are written in camelCase and what is left out has the default given here.
/// </summary>
public sealed record TrainingConfiguration
{
    /// <summary>The network, from a checkpoint or from sizes.</summary>
    public ModelSection Model { get; set; } = new();

    /// <summary>Which attention is trained.</summary>
    public AttentionSection Attention { get; set; } = new();

    /// <summary>The pictures and their splits.</summary>
    public DataSection Data { get; set; } = new();

    /// <summary>What is done to training pictures.</summary>
    public AugmentationSection Augmentation { get; set; } = new();

    /// <summary>How weights follow gradients.</summary>
    public OptimizerSection Optimizer { get; set; } = new();

    /// <summary>How the learning rate changes over the run.</summary>
    public ScheduleSection Schedule { get; set; } = new();

    /// <summary>What is minimised.</summary>
    public LossSection Loss { get; set; } = new();

    /// <summary>Passes over the training pictures, at least 1.</summary>
    public int Epochs { get; set; } = 10;

    /// <summary>Pictures of one forward pass, at least 1.</summary>
    public int Batch { get; set; } = 64;

    /// <summary>Forward passes whose gradients add up to one step of the optimiser, at least 1.</summary>
    public int Accumulation { get; set; } = 1;

    /// <summary>Decides every random choice of the run.</summary>
    public long Seed { get; set; } = 1;

    /// <summary>Decay of the exponential moving average of the weights, in [0, 1); 0 trains without one. With one, its weights are measured and exported.</summary>
    public double Ema { get; set; }

    /// <summary>Steps of the optimiser between two checkpoints; 0 writes one at the end of every epoch. At least that is always done.</summary>
    public int CheckpointSteps { get; set; }

    /// <summary>Steps of the optimiser between two lines of the log, at least 1.</summary>
    public int LogSteps { get; set; } = 20;

    /// <summary>Trains the attention alone (query, key, value and output projections, bias tables); everything else keeps its values.</summary>
    public bool AttentionOnly { get; set; }

    /// <summary>Recomputes each block in the backward pass instead of keeping what is inside: less memory, about a third more time.</summary>
    public bool RecomputeBlocks { get; set; }

    /// <summary>Most threads of the computation; 0 is one per processor. The result has the same bits at any number.</summary>
    public int Threads { get; set; }

    /// <summary>The run's folder.</summary>
    public string Output { get; set; } = string.Empty;
}
