namespace BinaryAttention.Models.Autograd;

/// <summary>A loss, a gradient, a weight or a number on the way to them is NaN or infinite. What raised it has changed nothing: neither parameters nor optimiser states.</summary>
public sealed class NonFiniteException : ArithmeticException
{
    internal NonFiniteException(string layer, string message)
        : base(message) => Layer = layer;

    /// <summary>The first layer whose output is not finite, or the parameter whose values or gradient are not.</summary>
    public string Layer { get; }
}
