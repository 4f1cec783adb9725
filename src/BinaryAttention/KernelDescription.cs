namespace BinaryAttention;

/// <summary>One implementation of attention, and whether this machine can run it.</summary>
/// <param name="Name">The name that <see cref="AttentionOptions.Kernel"/> takes.</param>
/// <param name="Description">What it is, in a few words.</param>
/// <param name="IsUsable">Whether this machine can run it.</param>
/// <param name="WhyNot">The reason if it cannot, else null.</param>
public sealed record KernelDescription(string Name, string Description, bool IsUsable, string? WhyNot);
