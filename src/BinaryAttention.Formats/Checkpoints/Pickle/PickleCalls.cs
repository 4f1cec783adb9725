namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>
/// What the few calls mean that a checkpoint of tensors is made of. They are recognised by name and answered with data; every other call,
/// whatever its name, gives an opaque value and does nothing.
/// </summary>
internal static class PickleCalls
{
    /// <summary>The value of a call of <paramref name="callee"/>, as data.</summary>
    public static object? Answer(object? callee, object? arguments, int position)
    {
        if (callee is not PickleGlobal global || arguments is not PickleTuple tuple)
        {
            return new PickleOpaque("the result of a call");
        }

        object?[] items = tuple.Items;
        return global.Module switch
        {
            "collections" when global.Name is "defaultdict" || (global.Name is "OrderedDict" && items.Length == 0) => new PickleDictionary(),
            "torch" when global.Name is "Size" && items is [PickleTuple] => items[0],
            "torch._utils" => Rebuild(global, items, position) ?? Opaque(global),
            _ => Opaque(global),
        };
    }

    /// <summary>The value of a persistent id: a storage, or opaque.</summary>
    public static object PersistentValue(object? id) =>
        id is PickleTuple { Items: ["storage", PickleGlobal kind, string key, _, long count, ..] } ? new PickleStorage(kind, key, count) : new PickleOpaque("a persistent id");

    private static PickleOpaque Opaque(PickleGlobal global) => new($"a {global.Module}.{global.Name}");

    private static object? Rebuild(PickleGlobal global, object?[] items, int position) => (global.Name, items) switch
    {
        ("_rebuild_tensor" or "_rebuild_tensor_v2", [PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, ..]) =>
            Tensor(storage, offset, shape, strides, null, position),
        ("_rebuild_tensor_v3", [PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, _, _, PickleGlobal kind, ..]) =>
            Tensor(storage, offset, shape, strides, kind, position),
        ("_rebuild_parameter" or "_rebuild_parameter_with_state", [PickleTensor tensor, ..]) => tensor,
        _ => null,
    };

    private static PickleTensor? Tensor(PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, PickleGlobal? kind, int position) =>
        shape.ToIntegers() is { } lengths && strides.ToIntegers() is { } steps ? new PickleTensor(storage, offset, lengths, steps, kind, position) : null;
}
