namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>Numbers of Adam and AdamW.</summary>
public sealed record AdamOptions
{
    /// <summary>Decay of the mean of gradients, in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the mean of squared gradients, in [0, 1).</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the mean of squares; at least 0.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Weight decay of parameters that have it; at least 0.</summary>
    public double WeightDecay { get; init; }

    internal AdamOptions Checked()
    {
        if (Beta1 is not (>= 0 and < 1) || Beta2 is not (>= 0 and < 1) || Epsilon is not (>= 0 and < double.PositiveInfinity) || WeightDecay is not (>= 0 and < double.PositiveInfinity))
        {
            throw new ArgumentException($"{this}: betas must be in [0, 1), epsilon and weight decay finite and at least 0.", "options");
        }

        return this;
    }
}
