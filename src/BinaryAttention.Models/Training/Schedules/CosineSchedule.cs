namespace BinaryAttention.Models.Training.Schedules;

/// <summary>
/// Linear warm-up, then half a cosine down to the smallest rate, as timm has it: <c>t &lt; W: w0 + t (base - w0) / W</c>; <c>W &lt;= t &lt; E: min + (base - min) (1 + cos(pi t / E)) / 2</c>, t counted
/// from 0 and not from the end of the warm-up; then min.
/// </summary>
/// <param name="BaseRate">The rate that the cosine starts from.</param>
/// <param name="Duration">E, in the caller's unit.</param>
public sealed record CosineSchedule(double BaseRate, double Duration) : ILearningRateSchedule
{
    /// <summary>The smallest rate.</summary>
    public double MinimumRate { get; init; }

    /// <summary>W; 0 for no warm-up.</summary>
    public double WarmUp { get; init; }

    /// <summary>The rate at the start of the warm-up.</summary>
    public double WarmUpRate { get; init; }

    /// <inheritdoc/>
    public double At(double time)
    {
        if (time < WarmUp)
        {
            return WarmUpRate + (time * ((BaseRate - WarmUpRate) / WarmUp));
        }

        return time < Duration ? MinimumRate + (0.5 * (BaseRate - MinimumRate) * (1 + Math.Cos(Math.PI * time / Duration))) : MinimumRate;
    }
}
