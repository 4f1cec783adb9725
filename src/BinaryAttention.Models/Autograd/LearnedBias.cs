namespace BinaryAttention.Models.Autograd;

/// <summary>An attention bias that is learned: a parameter and how it is read.</summary>
public sealed class LearnedBias
{
    private readonly Func<AttentionBias> _create;

    private LearnedBias(Parameter parameter, Func<AttentionBias> create) => (Parameter, _create) = (parameter, create);

    /// <summary>What is learned.</summary>
    public Parameter Parameter { get; }

    /// <summary>A relative-position table <c>[rows, heads]</c>, see <see cref="AttentionBias.RelativePosition"/>.</summary>
    /// <param name="table">The table.</param>
    /// <param name="gridHeight">Rows of the token grid.</param>
    /// <param name="gridWidth">Columns of the token grid.</param>
    /// <param name="hasClassToken">Whether token 0 is a class token.</param>
    public static LearnedBias RelativePosition(Parameter table, int gridHeight, int gridWidth, bool hasClassToken = true)
    {
        ArgumentNullException.ThrowIfNull(table);
        return new LearnedBias(table, () => AttentionBias.RelativePosition(table.ValueMemory, table.Shape[^1], gridHeight, gridWidth, hasClassToken));
    }

    /// <summary>One number per pair, <c>[heads, queryLength, keyLength]</c>, shared by the batch.</summary>
    /// <param name="values">The numbers.</param>
    public static LearnedBias Dense(Parameter values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.Shape.Count == 3
            ? new LearnedBias(values, () => AttentionBias.Dense(values.ValueMemory, 1, values.Shape[0], values.Shape[1], values.Shape[2]))
            : throw new ArgumentException($"{values} was given; a dense bias has the shape [heads, queryLength, keyLength].", nameof(values));
    }

    /// <summary>The bias as the attention takes it.</summary>
    /// <exception cref="NonFiniteException">The parameter holds a NaN or an infinity.</exception>
    internal AttentionBias Create() => Parameter.Values.ContainsAnyExceptInRange(float.MinValue, float.MaxValue)
        ? throw new NonFiniteException(Parameter.Name, $"{Parameter.Name} holds a NaN or an infinity. Lower the learning rate, clip gradients, or go back to the last checkpoint.")
        : _create();
}
