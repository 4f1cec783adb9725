using System.Buffers.Binary;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// An array from a NumPy .npy file, format versions 1 to 3: magic, version, header length (16 bits in version 1, else 32), a Python
/// dictionary literal with descr, fortran_order and shape, then the raw values. Only little-endian numbers and truth values in C order are
/// read; objects, records and text are refused (NumPy would unpickle objects, which runs code).
/// </summary>
public sealed class NpyArray
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly string _sourceName;
    private readonly int _dataStart;
    private readonly int _elementCount;

    private NpyArray(ReadOnlyMemory<byte> bytes, TensorElementType elementType, long[] shape, int elementCount, int dataStart, string sourceName)
    {
        _bytes = bytes;
        _dataStart = dataStart;
        _elementCount = elementCount;
        _sourceName = sourceName;
        ElementType = elementType;
        Shape = Array.AsReadOnly(shape);
    }

    /// <summary>How the elements are encoded.</summary>
    public TensorElementType ElementType { get; }

    /// <summary>Length of every dimension, outermost first; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>The raw little-endian elements in row-major order.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a file whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What it may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <exception cref="FileFormatException">The file is damaged, truncated, of an unsupported type or beyond the limits.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static NpyArray Read(string path, CheckpointLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        limits ??= CheckpointLimits.Default;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        long maxBytes = Math.Min(limits.MaxBytesInMemory, Array.MaxLength);
        if (stream.Length > maxBytes)
        {
            throw new FileFormatException(path, $"the file has {stream.Length} bytes; at most {maxBytes} are read. Raise CheckpointLimits.MaxBytesInMemory to read it.");
        }

        var bytes = new byte[stream.Length];
        int read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return Parse(bytes.AsMemory(0, read), path, limits);
    }

    /// <summary>Reads an array from the bytes of a file. They are used in place and must not change.</summary>
    /// <param name="bytes">The bytes of a whole file.</param>
    /// <param name="sourceName">Name for messages.</param>
    /// <param name="limits">What it may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <exception cref="FileFormatException">The bytes are damaged, truncated, of an unsupported type or beyond the limits.</exception>
    public static NpyArray Parse(ReadOnlyMemory<byte> bytes, string sourceName = "npy", CheckpointLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(sourceName);
        limits ??= CheckpointLimits.Default;
        ReadOnlySpan<byte> span = bytes.Span;
        (int headerStart, int dataStart) = FindHeader(span, span.Length, sourceName, limits);
        var header = NpyHeader.Parse(span[headerStart..dataStart], headerStart, sourceName, limits);

        int elementBytes = ElementTypeNames.SizeOf(header.ElementType);
        if (!ShapeProduct.TryMultiply(header.Shape, elementBytes, out long elements, out long byteCount))
        {
            throw new FileFormatException(sourceName, $"the size of shape ({string.Join(", ", header.Shape)}) in bytes overflows 64 bits.", headerStart);
        }

        if (byteCount != span.Length - dataStart)
        {
            throw new FileFormatException(
                sourceName,
                $"{ElementTypeNames.NameOf(header.ElementType)} of shape ({string.Join(", ", header.Shape)}) needs {byteCount} bytes, but {span.Length - dataStart} follow the header. The file is truncated or damaged.",
                dataStart);
        }

        return new NpyArray(bytes[dataStart..], header.ElementType, header.Shape, (int)elements, dataStart, sourceName);
    }

    /// <summary>The elements as float32: exact, or rounded to nearest where 24 bits do not suffice.</summary>
    /// <returns>A new array, row-major.</returns>
    public float[] ToSingles()
    {
        var values = new float[_elementCount];
        ElementConversion.ToSingles(ElementType, _bytes.Span, values);
        return values;
    }

    /// <summary>The elements as float64: exact except for 64-bit integers, which are rounded to nearest.</summary>
    /// <returns>A new array, row-major.</returns>
    public double[] ToDoubles()
    {
        var values = new double[_elementCount];
        ElementConversion.ToDoubles(ElementType, _bytes.Span, values);
        return values;
    }

    /// <summary>The elements of an integer array as 64-bit integers.</summary>
    /// <returns>A new array, row-major.</returns>
    /// <exception cref="FileFormatException">The array holds floating-point numbers, or an unsigned value beyond 64 signed bits.</exception>
    public long[] ToInt64s()
    {
        if (!ElementTypeNames.IsInteger(ElementType))
        {
            throw new FileFormatException(_sourceName, $"the array holds {ElementTypeNames.NameOf(ElementType)} values, which are not rounded to integers. Use ToSingles or ToDoubles.", _dataStart);
        }

        var values = new long[_elementCount];
        int failed = ElementConversion.ToInt64s(ElementType, _bytes.Span, values);
        return failed < 0
            ? values
            : throw new FileFormatException(_sourceName, $"element {failed} is beyond {long.MaxValue}, the largest 64-bit signed integer. Use ToDoubles.", _dataStart + (8L * failed));
    }

    /// <summary>The elements of an array of unsigned bytes or truth values.</summary>
    /// <returns>A new array, row-major.</returns>
    /// <exception cref="FileFormatException">The array holds anything else.</exception>
    public byte[] ToBytes() => ElementType is TensorElementType.Unsigned8 or TensorElementType.Boolean
        ? _bytes.ToArray()
        : throw new FileFormatException(_sourceName, $"the array holds {ElementTypeNames.NameOf(ElementType)} values; ToBytes expects U8 or BOOL. The raw bytes are in Bytes.", _dataStart);

    /// <summary>Where the header and the data begin, told from the first 12 bytes (or all, if there are fewer) of so many.</summary>
    internal static (int HeaderStart, int DataStart) FindHeader(ReadOnlySpan<byte> span, int byteCount, string sourceName, CheckpointLimits limits)
    {
        if (!span.StartsWith(Magic))
        {
            throw new FileFormatException(sourceName, "the file does not begin with the signature of a .npy file (0x93 'NUMPY').", 0);
        }

        int version = span.Length > 7 ? span[6] : -1;
        if (version is < 1 or > 3 || span[7] != 0)
        {
            string found = version < 0 ? "missing" : $"{version}.{span[7]}";
            throw new FileFormatException(sourceName, $"the .npy format version is {found}; 1.0, 2.0 and 3.0 are read.", 6);
        }

        int headerStart = version == 1 ? 10 : 12;
        if (byteCount < headerStart)
        {
            throw new FileFormatException(sourceName, $"the file ends after {byteCount} bytes, inside the length of the header.", 8);
        }

        long headerBytes = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(span[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(span[8..]);
        if (headerBytes > byteCount - headerStart)
        {
            throw new FileFormatException(sourceName, $"the header claims {headerBytes} bytes, but {byteCount - headerStart} follow. The file is truncated.", 8);
        }

        if (headerBytes > limits.MaxHeaderBytes)
        {
            throw new FileFormatException(sourceName, $"the header claims {headerBytes} bytes; at most {limits.MaxHeaderBytes} are read. Raise CheckpointLimits.MaxHeaderBytes to read it.", 8);
        }

        return (headerStart, headerStart + (int)headerBytes);
    }
}
