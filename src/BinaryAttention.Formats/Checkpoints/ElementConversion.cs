using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Turns stored little-endian elements into float32, float64 or 64-bit integers. Sources need no alignment and hold exactly
/// destination.Length elements. Narrow floats are in <see cref="NarrowFloats"/>.
/// </summary>
internal static class ElementConversion
{
    /// <summary>Any type to float32: exact, or rounded to nearest where 24 bits do not suffice. Overflowing float64 values become infinities.</summary>
    public static void ToSingles(TensorElementType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (type)
        {
            case TensorElementType.Float32 when BitConverter.IsLittleEndian:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case TensorElementType.Float32:
                Each(source, destination, 4, static bytes => BinaryPrimitives.ReadSingleLittleEndian(bytes));
                break;
            case TensorElementType.Float16:
                NarrowFloats.HalvesToSingles(source, destination);
                break;
            case TensorElementType.BFloat16:
                NarrowFloats.BrainFloatsToSingles(source, destination);
                break;
            case TensorElementType.Float8E4M3:
                Look(source, destination, NarrowFloats.E4M3Values);
                break;
            case TensorElementType.Float8E5M2:
                Look(source, destination, NarrowFloats.E5M2Values);
                break;
            case TensorElementType.Float64:
                Each(source, destination, 8, static bytes => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes));
                break;
            case TensorElementType.Unsigned64:
                Each(source, destination, 8, static bytes => (float)BinaryPrimitives.ReadUInt64LittleEndian(bytes));
                break;
            case TensorElementType.Signed64:
                Each(source, destination, 8, static bytes => (float)BinaryPrimitives.ReadInt64LittleEndian(bytes));
                break;
            case TensorElementType.Unsigned32:
                Each(source, destination, 4, static bytes => (float)BinaryPrimitives.ReadUInt32LittleEndian(bytes));
                break;
            case TensorElementType.Signed32:
                Each(source, destination, 4, static bytes => (float)BinaryPrimitives.ReadInt32LittleEndian(bytes));
                break;
            case TensorElementType.Unsigned16:
                Each(source, destination, 2, static bytes => (float)BinaryPrimitives.ReadUInt16LittleEndian(bytes));
                break;
            case TensorElementType.Signed16:
                Each(source, destination, 2, static bytes => (float)BinaryPrimitives.ReadInt16LittleEndian(bytes));
                break;
            case TensorElementType.Signed8:
                Each(source, destination, 1, static bytes => (float)(sbyte)bytes[0]);
                break;
            case TensorElementType.Unsigned8:
                Each(source, destination, 1, static bytes => (float)bytes[0]);
                break;
            case TensorElementType.Boolean:
                Each(source, destination, 1, static bytes => bytes[0] == 0 ? 0f : 1f);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type.");
        }
    }

    /// <summary>Any type to float64: exact except for 64-bit integers, which are rounded to nearest.</summary>
    public static void ToDoubles(TensorElementType type, ReadOnlySpan<byte> source, Span<double> destination)
    {
        switch (type)
        {
            case TensorElementType.Float64:
                Each(source, destination, 8, static bytes => BinaryPrimitives.ReadDoubleLittleEndian(bytes));
                break;
            case TensorElementType.Unsigned64:
                Each(source, destination, 8, static bytes => (double)BinaryPrimitives.ReadUInt64LittleEndian(bytes));
                break;
            case TensorElementType.Signed64:
                Each(source, destination, 8, static bytes => (double)BinaryPrimitives.ReadInt64LittleEndian(bytes));
                break;
            case TensorElementType.Unsigned32:
                Each(source, destination, 4, static bytes => (double)BinaryPrimitives.ReadUInt32LittleEndian(bytes));
                break;
            case TensorElementType.Signed32:
                Each(source, destination, 4, static bytes => (double)BinaryPrimitives.ReadInt32LittleEndian(bytes));
                break;
            default:
                // Everything left is exact in float32, and float32 is exact in float64.
                WidenThroughSingles(type, source, destination);
                break;
        }
    }

    /// <summary>
    /// Integer types and truth values to 64-bit integers. Returns -1, or the index of the first unsigned value that does not fit; the
    /// destination is then filled only up to it.
    /// </summary>
    public static int ToInt64s(TensorElementType type, ReadOnlySpan<byte> source, Span<long> destination)
    {
        switch (type)
        {
            case TensorElementType.Signed64:
                Each(source, destination, 8, static bytes => BinaryPrimitives.ReadInt64LittleEndian(bytes));
                return -1;
            case TensorElementType.Unsigned64:
                for (int i = 0; i < destination.Length; i++)
                {
                    ulong value = BinaryPrimitives.ReadUInt64LittleEndian(source[(i * 8)..]);
                    if (value > long.MaxValue)
                    {
                        return i;
                    }

                    destination[i] = (long)value;
                }

                return -1;
            case TensorElementType.Unsigned32:
                Each(source, destination, 4, static bytes => (long)BinaryPrimitives.ReadUInt32LittleEndian(bytes));
                return -1;
            case TensorElementType.Signed32:
                Each(source, destination, 4, static bytes => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes));
                return -1;
            case TensorElementType.Unsigned16:
                Each(source, destination, 2, static bytes => (long)BinaryPrimitives.ReadUInt16LittleEndian(bytes));
                return -1;
            case TensorElementType.Signed16:
                Each(source, destination, 2, static bytes => (long)BinaryPrimitives.ReadInt16LittleEndian(bytes));
                return -1;
            case TensorElementType.Signed8:
                Each(source, destination, 1, static bytes => (long)(sbyte)bytes[0]);
                return -1;
            case TensorElementType.Unsigned8:
                Each(source, destination, 1, static bytes => (long)bytes[0]);
                return -1;
            case TensorElementType.Boolean:
                Each(source, destination, 1, static bytes => bytes[0] == 0 ? 0L : 1L);
                return -1;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "not an integer type.");
        }
    }

    private static void Each<T>(ReadOnlySpan<byte> source, Span<T> destination, int elementBytes, Func<ReadOnlySpan<byte>, T> read)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = read(source.Slice(i * elementBytes, elementBytes));
        }
    }

    private static void Look(ReadOnlySpan<byte> source, Span<float> destination, float[] table)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = table[source[i]];
        }
    }

    private static void WidenThroughSingles(TensorElementType type, ReadOnlySpan<byte> source, Span<double> destination)
    {
        int elementBytes = ElementTypeNames.SizeOf(type);
        Span<float> singles = stackalloc float[1024];
        for (int first = 0; first < destination.Length; first += singles.Length)
        {
            Span<float> chunk = singles[..Math.Min(singles.Length, destination.Length - first)];
            ToSingles(type, source.Slice(first * elementBytes, chunk.Length * elementBytes), chunk);
            for (int i = 0; i < chunk.Length; i++)
            {
                destination[first + i] = chunk[i];
            }
        }
    }
}
