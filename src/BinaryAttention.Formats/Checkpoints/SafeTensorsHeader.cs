namespace BinaryAttention.Formats.Checkpoints;

/// <summary>A header that passed every check: tensors in data order, and the free-form metadata.</summary>
internal sealed record SafeTensorsHeader(IReadOnlyList<TensorEntry> Tensors, Dictionary<string, TensorEntry> ByName, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Bytes before the JSON: its length as an unsigned little-endian 64-bit integer.</summary>
    public const int PrefixBytes = 8;

    /// <summary>The key that holds metadata and can therefore name no tensor.</summary>
    public const string MetadataKey = "__metadata__";
}
