using BinaryAttention.Models.Autograd;

namespace BinaryAttention.Models.Training.Networks;

/// <summary>What a forward pass needs to know beside the images.</summary>
public sealed record ForwardPass
{
    /// <summary>An evaluation: no branch is skipped.</summary>
    public static ForwardPass Evaluation { get; } = new();

    /// <summary>The step of the run, which decides what is skipped; null for evaluation.</summary>
    public long? Step { get; init; }

    /// <summary>Which images of the step these are, counted from this number, if a step is made of several passes.</summary>
    public int FirstImage { get; init; }

    /// <summary>Sees the operands of every block's attention; nobody if null.</summary>
    public Action<AttentionTap>? Observe { get; init; }
}
