namespace BinaryAttention.Models.Training.Schedules;

/// <summary>Linear warm-up from a share of the base rate, then steps down: <c>t &lt; W: base (start + (1 - start) t / W)</c>; then <c>base * factor^floor((t - W) / interval)</c>.</summary>
/// <param name="BaseRate">The rate after the warm-up.</param>
/// <param name="Interval">Time between two steps, above 0.</param>
/// <param name="Factor">What a step multiplies by.</param>
public sealed record StepSchedule(double BaseRate, double Interval, double Factor) : ILearningRateSchedule
{
    /// <summary>W; 0 for no warm-up.</summary>
    public double WarmUp { get; init; }

    /// <summary>The share of the base rate at the start of the warm-up.</summary>
    public double WarmUpFactor { get; init; }

    /// <inheritdoc/>
    public double At(double time) => time < WarmUp
        ? BaseRate * (WarmUpFactor + ((1 - WarmUpFactor) * time / WarmUp))
        : BaseRate * Math.Pow(Factor, Math.Floor((time - WarmUp) / Interval));
}
