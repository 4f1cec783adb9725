using System.Globalization;

namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>
/// Finds the tensors of a checkpoint: those that are values of dictionaries, in any depth of dictionaries within dictionaries. A tensor's
/// path is its keys joined by dots. If all tensors are values of one and the same dictionary (<c>{"model": {...}, "epoch": 3}</c>), they are
/// named by its keys alone, else by their whole paths. Lists, tuples and objects are not searched. The walk is bounded in depth and in the number of items, so that
/// dictionaries that hold themselves or each other many times end it.
/// </summary>
internal sealed class StateDictionary
{
    private const int MaxDepth = 32, MaxItems = 4_000_000, MaxOthers = 1_000;

    private readonly List<(string Prefix, string Key, PickleTensor Tensor)> _found = [];
    private readonly List<string> _others = [];
    private readonly CheckpointLimits _limits;
    private readonly Func<string, FileFormatException> _fail;
    private int _items;
    private long _characters;

    private StateDictionary(CheckpointLimits limits, Func<string, FileFormatException> fail)
    {
        (_limits, _fail) = (limits, fail);
    }

    /// <summary>Path of the dictionary whose keys name the tensors; empty for the outermost, or where names are whole paths.</summary>
    public string Prefix { get; private set; } = string.Empty;

    /// <summary>The tensors in stored order, names unique.</summary>
    public List<(string Name, PickleTensor Tensor)> Tensors { get; } = [];

    /// <summary>Paths of the values that are neither tensors nor dictionaries; the first thousand.</summary>
    public IReadOnlyList<string> Others => _others;

    /// <summary>Searches the value of a pickle.</summary>
    public static StateDictionary Find(object? value, CheckpointLimits limits, Func<string, FileFormatException> fail)
    {
        var result = new StateDictionary(limits, fail);
        if (value is not PickleDictionary root)
        {
            throw fail(value is PickleTensor ? "the checkpoint is a single tensor without a name; a dictionary of tensors is expected. Save {\"name\": tensor} instead." : "the checkpoint is no dictionary; a dictionary of tensors (a state_dict) is expected. A whole module saved with torch.save is not read: save module.state_dict().");
        }

        result.Walk(root, string.Empty, 0);
        result.Name();
        return result;
    }

    private void Walk(PickleDictionary dictionary, string prefix, int depth)
    {
        if (depth >= MaxDepth)
        {
            throw _fail($"dictionaries within dictionaries are more than {MaxDepth} deep, or one holds itself.");
        }

        foreach ((object? rawKey, object? value) in dictionary.Items)
        {
            if (++_items > MaxItems)
            {
                throw _fail($"the dictionaries have more than {MaxItems} items in all, those counted again that are held more than once.");
            }

            string? key = rawKey switch { string text => text, long number => number.ToString(CultureInfo.InvariantCulture), _ => null };
            if (key is null || prefix.Length + key.Length + 1 > _limits.MaxNameLength)
            {
                if (key is not null || value is PickleTensor or PickleDictionary)
                {
                    throw _fail(key is null ? "a tensor or dictionary has a key that is neither text nor a number." : $"the path of a value has more than {_limits.MaxNameLength} characters.");
                }

                continue;
            }

            switch (value)
            {
                case PickleTensor tensor:
                    if (_found.Count >= _limits.MaxTensors)
                    {
                        throw _fail($"the checkpoint has more than {_limits.MaxTensors} tensors (CheckpointLimits.MaxTensors).");
                    }

                    _found.Add((prefix, key, tensor));
                    break;
                case PickleDictionary inner:
                    Walk(inner, Join(prefix, key), depth + 1);
                    break;
                default:
                    if (_others.Count < MaxOthers)
                    {
                        _others.Add(Join(prefix, key));
                    }

                    break;
            }
        }
    }

    private void Name()
    {
        bool isOne = _found.TrueForAll(tensor => string.Equals(tensor.Prefix, _found[0].Prefix, StringComparison.Ordinal));
        Prefix = isOne && _found.Count > 0 ? _found[0].Prefix : string.Empty;
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string prefix, string key, PickleTensor tensor) in _found)
        {
            string name = isOne ? key : Join(prefix, key);
            Tensors.Add(names.Add(name) ? (name, tensor) : throw _fail($"two tensors have the name {Quote.Name(name)}; names must be unique."));
        }
    }

    // A long key costs little in the pickle and its length again in every path below it.
    private string Join(string prefix, string key)
    {
        if (prefix.Length == 0)
        {
            return key;
        }

        _characters += prefix.Length + key.Length;
        return _characters <= _limits.MaxHeaderBytes
            ? $"{prefix}.{key}"
            : throw _fail($"the paths of the values have more than {_limits.MaxHeaderBytes} characters in all (CheckpointLimits.MaxHeaderBytes).");
    }
}
