namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>A list or a set; it may hold itself.</summary>
internal sealed class PickleList
{
    private List<object?>? _items;

    public IReadOnlyList<object?> Items => _items ?? [];

    public void Add(object? value) => (_items ??= []).Add(value);
}
