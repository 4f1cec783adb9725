using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace BinaryAttention.Models.Autograd;

/// <summary>The parameters of a model in a fixed order, each under a name of its own.</summary>
[SuppressMessage("Naming", "CA1710:Identifiers should have correct suffix", Justification = "A set of parameters, found by their names.")]
public sealed class ParameterSet : IReadOnlyList<Parameter>
{
    private readonly List<Parameter> _parameters = [];
    private readonly Dictionary<string, Parameter> _byName = new(StringComparer.Ordinal);

    /// <summary>Number of parameters.</summary>
    public int Count => _parameters.Count;

    /// <summary>Number of values in all parameters.</summary>
    public long TotalCount => _parameters.Sum(static parameter => (long)parameter.Length);

    /// <summary>The parameter at a place.</summary>
    /// <param name="index">From 0.</param>
    public Parameter this[int index] => _parameters[index];

    /// <summary>Appends a parameter.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <exception cref="ArgumentException">There is one of that name.</exception>
    public void Add(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        if (!_byName.TryAdd(parameter.Name, parameter))
        {
            throw new ArgumentException($"There is a parameter {parameter.Name} already; names must differ.", nameof(parameter));
        }

        _parameters.Add(parameter);
    }

    /// <summary>The parameter of a name, or null.</summary>
    /// <param name="name">The exact name.</param>
    public Parameter? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Sets all gradients to zero.</summary>
    public void ZeroGradients() => _parameters.ForEach(static parameter => parameter.ZeroGradient());

    /// <inheritdoc/>
    public IEnumerator<Parameter> GetEnumerator() => _parameters.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
