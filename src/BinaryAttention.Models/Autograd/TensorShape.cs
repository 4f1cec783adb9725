// Sizes of tensors: their product, their text and the messages when they do not fit.
namespace BinaryAttention.Models.Autograd;

internal static class TensorShape
{
    /// <summary>The number of values.</summary>
    /// <exception cref="ArgumentException">A size is below 1, or the product does not fit an array.</exception>
    public static int Length(ReadOnlySpan<int> shape, string name)
    {
        long length = 1;
        foreach (int size in shape)
        {
            length = size >= 1
                ? Math.Min(length * size, 1L << 32) // saturates above any array length; 2^32 times an int cannot wrap
                : throw new ArgumentException($"{name} has shape {Text(shape.ToArray())}; every size must be at least 1.", nameof(shape));
        }

        return length < Array.MaxLength - 1024 ? (int)length : throw new ArgumentException($"{name} has shape {Text(shape.ToArray())}, more than {Array.MaxLength - 1024} values. Use a smaller batch or smaller images.", nameof(shape));
    }

    public static string Text(IEnumerable<int> shape) => $"[{string.Join(", ", shape)}]";

    /// <summary>Refuses a variable whose last size is not the expected one.</summary>
    public static void LastIs(Variable variable, int expected, string what)
    {
        if (variable.Shape.Count == 0 || variable.Shape[^1] != expected)
        {
            throw new ArgumentException($"{variable.Name} has shape {Text(variable.Shape)}; {what} needs a last size of {expected}.", nameof(variable));
        }
    }

    /// <summary>Refuses two variables of different shapes.</summary>
    public static void Same(Variable left, Variable right)
    {
        if (!left.Shape.SequenceEqual(right.Shape))
        {
            throw new ArgumentException($"{left.Name} has shape {Text(left.Shape)}; {right.Name} has {Text(right.Shape)}. Both must match.", nameof(right));
        }
    }

    /// <summary>Refuses a variable that has another number of dimensions.</summary>
    public static void Rank(Variable variable, int expected, string layout)
    {
        if (variable.Shape.Count != expected)
        {
            throw new ArgumentException($"{variable.Name} has shape {Text(variable.Shape)}; {layout} is expected.", nameof(variable));
        }
    }

    /// <summary>Refuses a parameter of another length.</summary>
    public static void Length(Parameter parameter, int expected, string what)
    {
        if (parameter.Length != expected)
        {
            throw new ArgumentException($"{parameter} has {parameter.Length} values; {what} needs {expected}.", nameof(parameter));
        }
    }
}
