namespace BinaryAttention.Models.Training.Schedules;

/// <summary>A straight line from one rate to another, which then stays: a warm-up alone, or a linear decay.</summary>
/// <param name="StartRate">The rate at time 0.</param>
/// <param name="EndRate">The rate from <paramref name="Duration"/> on.</param>
/// <param name="Duration">In the caller's unit, above 0.</param>
public sealed record LinearSchedule(double StartRate, double EndRate, double Duration) : ILearningRateSchedule
{
    /// <inheritdoc/>
    public double At(double time) => time < Duration ? StartRate + ((EndRate - StartRate) * time / Duration) : EndRate;
}
