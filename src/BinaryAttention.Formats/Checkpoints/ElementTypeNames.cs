namespace BinaryAttention.Formats.Checkpoints;

/// <summary>Sizes and safetensors names of the element types: one table, used by reader and writer alike.</summary>
internal static class ElementTypeNames
{
    // Indexed by TensorElementType. A test walks the enum and finds every name here again.
    private static readonly string[] Names = ["BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "I64", "U64", "F64"];

    private static readonly int[] Sizes = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8];

    /// <summary>All names, for messages.</summary>
    public static string All { get; } = string.Join(", ", Names);

    /// <summary>Bytes of one element.</summary>
    public static int SizeOf(TensorElementType type) => Sizes[(int)type];

    /// <summary>The name in a safetensors header.</summary>
    public static string NameOf(TensorElementType type) => Names[(int)type];

    /// <summary>True for the values the enum names; a cast integer may be anything.</summary>
    public static bool IsKnown(TensorElementType type) => (uint)type < (uint)Names.Length;

    /// <summary>Whether the values are integers (or truth values) and so fit a 64-bit integer without rounding.</summary>
    public static bool IsInteger(TensorElementType type) => type is TensorElementType.Boolean
        or TensorElementType.Unsigned8 or TensorElementType.Signed8 or TensorElementType.Signed16 or TensorElementType.Unsigned16
        or TensorElementType.Signed32 or TensorElementType.Unsigned32 or TensorElementType.Signed64 or TensorElementType.Unsigned64;

    /// <summary>Finds a type by its safetensors name, case-sensitive as the format demands.</summary>
    public static bool TryParse(string name, out TensorElementType type)
    {
        int index = Array.IndexOf(Names, name);
        type = (TensorElementType)Math.Max(index, 0);
        return index >= 0;
    }
}
