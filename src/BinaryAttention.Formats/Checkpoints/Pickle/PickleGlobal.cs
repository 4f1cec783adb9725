namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>A name of a Python object. Only ever a name: nothing is imported, looked up or called.</summary>
internal sealed record PickleGlobal(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";

    public bool Is(string module, string name) => string.Equals(Module, module, StringComparison.Ordinal) && string.Equals(Name, name, StringComparison.Ordinal);
}
