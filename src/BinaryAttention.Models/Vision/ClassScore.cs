namespace BinaryAttention.Models.Vision;

/// <summary>One class of an answer.</summary>
/// <param name="ClassIndex">The class, from 0.</param>
/// <param name="Logit">The model's output for it.</param>
/// <param name="Probability">Softmax over all classes, 0 to 1.</param>
public readonly record struct ClassScore(int ClassIndex, float Logit, float Probability);
