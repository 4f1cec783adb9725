namespace BinaryAttention.Cli.Recognition;

/// <summary>One class and the probability a model gives it.</summary>
internal readonly record struct Prediction(int Index, string Name, double Probability);
