using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>A tensor on its way into a file. <see cref="SafeTensorsWriter"/> checks that the parts fit together.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="ElementType">How the bytes encode the elements.</param>
/// <param name="Shape">Length of every dimension, outermost first; empty for a scalar.</param>
/// <param name="Bytes">The little-endian elements in row-major order; not copied, so they must not change until written.</param>
public sealed record TensorToWrite(string Name, TensorElementType ElementType, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>A float32 tensor; the values are copied.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Length of every dimension.</param>
    /// <param name="values">As many values as the shape has elements, row-major.</param>
    public static TensorToWrite FromSingles(string name, IReadOnlyList<long> shape, ReadOnlyMemory<float> values) =>
        FromSingles(name, shape, values, TensorElementType.Float32);

    /// <summary>
    /// A floating-point tensor from float32 values, which are copied. Float16 and bfloat16 are rounded to nearest, ties to even; values beyond the
    /// range become infinities (65,520 and more for float16), NaN stays NaN.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Length of every dimension.</param>
    /// <param name="values">As many values as the shape has elements, row-major.</param>
    /// <param name="elementType">Float32, Float16 or BFloat16.</param>
    /// <exception cref="ArgumentException">Another element type, or values that do not fit the shape or one byte array.</exception>
    public static TensorToWrite FromSingles(string name, IReadOnlyList<long> shape, ReadOnlyMemory<float> values, TensorElementType elementType)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(shape);
        if (elementType is not (TensorElementType.Float32 or TensorElementType.Float16 or TensorElementType.BFloat16))
        {
            throw new ArgumentException($"elementType is {elementType}; float32 values can be stored as Float32, Float16 or BFloat16.", nameof(elementType));
        }

        int elementBytes = ElementTypeNames.SizeOf(elementType);
        if (!ShapeProduct.TryMultiply(shape, elementBytes, out long elements, out long byteCount) || elements != values.Length)
        {
            throw new ArgumentException($"values has {values.Length} elements; shape [{string.Join(", ", shape)}] of {Quote.Name(name)} asks for a different number. Both must match.", nameof(values));
        }

        if (byteCount > Array.MaxLength)
        {
            throw new ArgumentException($"tensor {Quote.Name(name)} needs {byteCount} bytes; one array holds at most {Array.MaxLength}. Split the tensor.", nameof(values));
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)byteCount);
        Narrow(values.Span, bytes, elementType);
        return new TensorToWrite(name, elementType, shape, bytes);
    }

    private static void Narrow(ReadOnlySpan<float> values, Span<byte> bytes, TensorElementType elementType)
    {
        if (elementType == TensorElementType.Float16)
        {
            NarrowFloats.SinglesToHalves(values, bytes);
        }
        else if (elementType == TensorElementType.BFloat16)
        {
            NarrowFloats.SinglesToBrainFloats(values, bytes);
        }
        else if (BitConverter.IsLittleEndian)
        {
            MemoryMarshal.AsBytes(values).CopyTo(bytes);
        }
        else
        {
            for (int i = 0; i < values.Length; i++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(bytes[(i * 4)..], values[i]);
            }
        }
    }
}
