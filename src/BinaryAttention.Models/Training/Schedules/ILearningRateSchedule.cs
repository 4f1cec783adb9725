namespace BinaryAttention.Models.Training.Schedules;

/// <summary>The learning rate over time. The unit of time is the caller's: epochs or steps, whole or in parts.</summary>
public interface ILearningRateSchedule
{
    /// <summary>The learning rate at a time.</summary>
    /// <param name="time">At least 0.</param>
    double At(double time);
}
