namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>Numbers that an optimiser keeps for one parameter, such as a moment: what a checkpoint stores beside the parameter.</summary>
public sealed class OptimizerState
{
    private readonly float[] _values;

    internal OptimizerState(string name, IReadOnlyList<int> shape, int length) => (Name, Shape, _values) = (name, shape, new float[length]);

    /// <summary>The parameter's name, a slash, and the slot.</summary>
    public string Name { get; }

    /// <summary>The parameter's sizes.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>The numbers; a checkpoint that is restored writes here.</summary>
    public Span<float> Values => _values;
}
