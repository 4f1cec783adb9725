namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>A dictionary in stored order. Keys are not hashed: they may be anything, the dictionary itself included.</summary>
internal sealed class PickleDictionary
{
    private List<KeyValuePair<object?, object?>>? _items;

    public IReadOnlyList<KeyValuePair<object?, object?>> Items => _items ?? [];

    public void Add(object? key, object? value) => (_items ??= []).Add(new(key, value));
}
