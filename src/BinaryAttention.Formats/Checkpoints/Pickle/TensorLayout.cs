namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>
/// A tensor inside its storage, checked: element (i0, i1, ...) is storage element offset + i0 * stride0 + i1 * stride1 + ..., and every one
/// of them lies inside.
/// </summary>
internal sealed record TensorLayout(TensorElementType Type, long ElementOffset, long[] Shape, long[] Strides, long ElementCount)
{
    private static readonly Dictionary<string, TensorElementType> Kinds = new(StringComparer.Ordinal)
    {
        ["FloatStorage"] = TensorElementType.Float32, ["float32"] = TensorElementType.Float32,
        ["DoubleStorage"] = TensorElementType.Float64, ["float64"] = TensorElementType.Float64,
        ["HalfStorage"] = TensorElementType.Float16, ["float16"] = TensorElementType.Float16,
        ["BFloat16Storage"] = TensorElementType.BFloat16, ["bfloat16"] = TensorElementType.BFloat16,
        ["LongStorage"] = TensorElementType.Signed64, ["int64"] = TensorElementType.Signed64,
        ["IntStorage"] = TensorElementType.Signed32, ["int32"] = TensorElementType.Signed32,
        ["ShortStorage"] = TensorElementType.Signed16, ["int16"] = TensorElementType.Signed16,
        ["CharStorage"] = TensorElementType.Signed8, ["int8"] = TensorElementType.Signed8,
        ["ByteStorage"] = TensorElementType.Unsigned8, ["uint8"] = TensorElementType.Unsigned8,
        ["BoolStorage"] = TensorElementType.Boolean, ["bool"] = TensorElementType.Boolean,
        ["uint16"] = TensorElementType.Unsigned16, ["uint32"] = TensorElementType.Unsigned32, ["uint64"] = TensorElementType.Unsigned64,
        ["float8_e4m3fn"] = TensorElementType.Float8E4M3, ["float8_e5m2"] = TensorElementType.Float8E5M2,
    };

    /// <summary>Whether the elements lie one after the other in row-major order.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int axis = Shape.Length - 1; axis >= 0; axis--)
            {
                if (Shape[axis] != 1 && Strides[axis] != expected)
                {
                    return false;
                }

                expected *= Shape[axis];
            }

            return true;
        }
    }

    /// <summary>Checks a tensor against the real bytes of its storage. The problem is a sentence without a subject, or null.</summary>
    public static string? TryCheck(PickleTensor tensor, long storageBytes, CheckpointLimits limits, out TensorLayout? layout)
    {
        layout = null;
        PickleGlobal kind = tensor.ElementKind ?? tensor.Storage.Kind;
        if (!string.Equals(kind.Module, "torch", StringComparison.Ordinal) || !Kinds.TryGetValue(kind.Name, out TensorElementType type))
        {
            return $"has elements of {Quote.Name(kind.ToString())}, which are not read; plain numbers and truth values are";
        }

        long[] shape = tensor.Shape, strides = tensor.Strides;
        if (shape.Length != strides.Length || shape.Length > limits.MaxRank)
        {
            return $"has {shape.Length} lengths and {strides.Length} strides; as many of both and at most {limits.MaxRank} are expected";
        }

        // An untyped storage counts bytes, the others elements.
        int elementBytes = ElementTypeNames.SizeOf(type);
        int countedBytes = tensor.ElementKind is null ? elementBytes : 1;
        if (tensor.Storage.ElementCount < 0 || storageBytes % countedBytes != 0 || tensor.Storage.ElementCount != storageBytes / countedBytes)
        {
            return $"claims a storage of {tensor.Storage.ElementCount} elements of {countedBytes} bytes; the archive has {storageBytes} bytes for it";
        }

        if (!ShapeProduct.TryMultiply(shape, elementBytes, out long elements, out long byteCount) || byteCount > storageBytes)
        {
            return $"has shape [{string.Join(", ", shape)}], more elements than the {storageBytes} bytes of its storage hold (tensors that repeat elements, made by expand, are not read)";
        }

        if (!LiesInside(tensor, elements, storageBytes / elementBytes))
        {
            return $"has shape [{string.Join(", ", shape)}], strides [{string.Join(", ", strides)}] and offset {tensor.ElementOffset}, which leave its storage of {storageBytes / elementBytes} elements";
        }

        layout = new TensorLayout(type, tensor.ElementOffset, shape, strides, elements);
        return null;
    }

    /// <summary>Copies the elements in row-major order.</summary>
    public void CopyTo(ReadOnlySpan<byte> storage, Span<byte> destination)
    {
        int size = ElementTypeNames.SizeOf(Type);
        if (ElementCount == 0)
        {
            return;
        }

        if (IsContiguous)
        {
            storage.Slice((int)(ElementOffset * size), destination.Length).CopyTo(destination);
            return;
        }

        var index = new long[Shape.Length];
        long source = ElementOffset;
        for (int written = 0; written < destination.Length; written += size)
        {
            storage.Slice((int)(source * size), size).CopyTo(destination[written..]);
            for (int axis = Shape.Length - 1; axis >= 0; axis--)
            {
                source += Strides[axis];
                if (++index[axis] < Shape[axis])
                {
                    break;
                }

                source -= Strides[axis] * Shape[axis];
                index[axis] = 0;
            }
        }
    }

    // Every term is checked before it is added, so nothing overflows.
    private static bool LiesInside(PickleTensor tensor, long elements, long storageElements)
    {
        if (tensor.ElementOffset < 0 || tensor.ElementOffset > storageElements)
        {
            return false;
        }

        long left = storageElements - tensor.ElementOffset - 1;
        for (int axis = 0; axis < tensor.Shape.Length; axis++)
        {
            long stride = tensor.Strides[axis], steps = tensor.Shape[axis] - 1;
            if (stride < 0)
            {
                return false;
            }

            if (elements > 0 && steps > 0)
            {
                if (stride > left / steps)
                {
                    return false;
                }

                left -= stride * steps;
            }
        }

        return elements == 0 || left >= 0;
    }
}
