namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>Numbers of stochastic gradient descent.</summary>
public sealed record SgdOptions
{
    /// <summary>Share of the last step that is kept, in [0, 1).</summary>
    public double Momentum { get; init; }

    /// <summary>Whether the gradient is added once more to the momentum (Nesterov); needs momentum.</summary>
    public bool IsNesterov { get; init; }

    /// <summary>Weight decay of parameters that have it, added to the gradient; at least 0.</summary>
    public double WeightDecay { get; init; }

    internal SgdOptions Checked()
    {
        if (Momentum is not (>= 0 and < 1) || WeightDecay is not (>= 0 and < double.PositiveInfinity) || (IsNesterov && Momentum == 0))
        {
            throw new ArgumentException($"{this}: momentum must be in [0, 1), above 0 for Nesterov; weight decay finite and at least 0.", "options");
        }

        return this;
    }
}
