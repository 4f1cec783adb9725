namespace BinaryAttention.Models.Training.Losses;

/// <summary>What a student learns from a teacher's logits.</summary>
public enum DistillationKind
{
    /// <summary>Nothing: the labels alone count.</summary>
    None = 0,

    /// <summary>Its distribution over the classes, at a temperature.</summary>
    Soft = 1,

    /// <summary>Its most likely class.</summary>
    Hard = 2,
}
