namespace BinaryAttention.Models.Autograd;

/// <summary>A loss, or a number on the way to it, is NaN or infinite. Nothing was changed: neither parameters nor optimiser states.</summary>
public sealed class NonFiniteException : ArithmeticException
{
    internal NonFiniteException(string layer, string message)
        : base(message) => Layer = layer;

    /// <summary>The first layer whose output is not finite.</summary>
    public string Layer { get; }
}
