namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>A tuple.</summary>
internal sealed record PickleTuple(object?[] Items)
{
    private const int MaxDimensions = 64;

    public static PickleTuple Empty { get; } = new([]);

    /// <summary>The items as whole numbers, or null if one is anything else or there are more than any shape has: a pickle may ask often for the same tuple.</summary>
    public long[]? ToIntegers()
    {
        if (Items.Length > MaxDimensions)
        {
            return null;
        }

        var numbers = new long[Items.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (Items[i] is not long number)
            {
                return null;
            }

            numbers[i] = number;
        }

        return numbers;
    }
}
