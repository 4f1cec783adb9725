namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Multiplies a claimed shape out without trusting it. A length of zero makes the tensor empty, but the other lengths must still
/// multiply to something a 64-bit integer holds: whoever computes strides from the shape later must not overflow either.
/// </summary>
internal static class ShapeProduct
{
    /// <summary>Computes the number of elements and bytes; false if a length is negative or a product overflows.</summary>
    public static bool TryMultiply(IReadOnlyList<long> shape, int elementBytes, out long elements, out long bytes)
    {
        elements = 0;
        bytes = 0;
        long extent = elementBytes;
        bool isEmpty = false;
        for (int axis = 0; axis < shape.Count; axis++)
        {
            long length = shape[axis];
            if (length < 0)
            {
                return false;
            }

            if (length == 0)
            {
                isEmpty = true;
                continue;
            }

            if (extent > long.MaxValue / length)
            {
                return false;
            }

            extent *= length;
        }

        if (!isEmpty)
        {
            elements = extent / elementBytes;
            bytes = extent;
        }

        return true;
    }
}
