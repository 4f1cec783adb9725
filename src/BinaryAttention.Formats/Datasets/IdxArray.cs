using System.Buffers.Binary;
using System.IO.Compression;

namespace BinaryAttention.Formats.Datasets;

/// <summary>
/// An array of bytes from an IDX file, the format of the MNIST digits (LeCun, Cortes, Burges): two zero bytes, the element type, the number of dimensions, each length as
/// a big-endian 32-bit number, then the values in row-major order. Only unsigned bytes (type 8) are read. The file may be packed with gzip as one member, told by its
/// first bytes; its checksum is verified.
/// </summary>
public sealed class IdxArray
{
    private const int FixedBytes = 4;
    private const int GzipTrailerBytes = 8;
    private const long MaxDeflateRatio = 1032;

    private IdxArray(int[] shape, ReadOnlyMemory<byte> values)
    {
        Shape = Array.AsReadOnly(shape);
        Values = values;
    }

    /// <summary>Length of every dimension, outermost first; at least one dimension.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>The values in row-major order.</summary>
    public ReadOnlyMemory<byte> Values { get; }

    /// <summary>Reads a file whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What it may ask for; <see cref="IdxLimits.Default"/> if null.</param>
    /// <exception cref="FileFormatException">The file is damaged, truncated, of another element type or beyond the limits.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IdxArray Read(string path, IdxLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        limits ??= IdxLimits.Default;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        long most = Math.Min(limits.MaxFileBytes, Array.MaxLength);
        if (stream.Length > most)
        {
            throw new FileFormatException(path, $"the file has {stream.Length} bytes; at most {most} are read. Raise IdxLimits.MaxFileBytes to read it.");
        }

        var bytes = new byte[stream.Length];
        try
        {
            stream.ReadExactly(bytes);
        }
        catch (EndOfStreamException exception)
        {
            throw new FileFormatException(path, "the file became shorter while it was read.", innerException: exception);
        }

        return Parse(bytes, path, limits);
    }

    /// <summary>Reads a file held in memory.</summary>
    /// <param name="bytes">The bytes of a whole file, packed or not.</param>
    /// <param name="sourceName">Name for messages.</param>
    /// <param name="limits">What it may ask for; <see cref="IdxLimits.Default"/> if null.</param>
    /// <exception cref="FileFormatException">The bytes are damaged, truncated, of another element type or beyond the limits.</exception>
    public static IdxArray Parse(ReadOnlyMemory<byte> bytes, string sourceName = "idx", IdxLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(sourceName);
        limits ??= IdxLimits.Default;
        bool isPacked = bytes.Span is [0x1F, 0x8B, ..];
        using var packed = new MemoryStream(bytes.ToArray(), writable: false);
        using Stream content = isPacked ? new GZipStream(packed, CompressionMode.Decompress) : packed;
        try
        {
            // A packed file may hold at most what its bytes can be unpacked to, whatever its header claims.
            long available = isPacked ? Math.Max(0, bytes.Length - GzipTrailerBytes) * MaxDeflateRatio : bytes.Length;
            byte[] whole = ReadWhole(content, available, sourceName, limits, isPacked, out int[] shape);
            if (content.ReadByte() >= 0)
            {
                throw new FileFormatException(sourceName, $"the file goes on behind the {whole.Length} bytes that its header [{string.Join(", ", shape)}] asks for.", isPacked ? -1 : whole.Length);
            }

            if (isPacked)
            {
                CheckTrailer(bytes.Span[^GzipTrailerBytes..], whole, sourceName, bytes.Length - GzipTrailerBytes);
            }

            return new IdxArray(shape, whole.AsMemory(HeaderBytes(shape.Length)));
        }
        catch (EndOfStreamException exception)
        {
            throw new FileFormatException(sourceName, $"the {(isPacked ? "packed " : string.Empty)}file ends before its header does, or before the values that the header asks for.", isPacked ? -1 : bytes.Length, exception);
        }
        catch (InvalidDataException exception)
        {
            throw new FileFormatException(sourceName, $"the gzip stream is damaged or truncated: {exception.Message}", innerException: exception);
        }
    }

    private static int HeaderBytes(int rank) => FixedBytes + (4 * rank);

    /// <summary>The header and the values in one array.</summary>
    private static byte[] ReadWhole(Stream content, long available, string sourceName, IdxLimits limits, bool isPacked, out int[] shape)
    {
        Span<byte> start = stackalloc byte[FixedBytes];
        content.ReadExactly(start);
        if (start[0] != 0 || start[1] != 0)
        {
            throw new FileFormatException(sourceName, $"the file begins with the bytes {start[0]} and {start[1]}; an IDX file begins with two zeros, or with 31 and 139 if it is packed with gzip.", isPacked ? -1 : 0);
        }

        if (start[2] != 8)
        {
            throw new FileFormatException(sourceName, $"the element type is {start[2]} ({TypeName(start[2])}); only unsigned bytes (8) are read.", isPacked ? -1 : 2);
        }

        int rank = start[3];
        if (rank < 1 || rank > limits.MaxRank)
        {
            throw new FileFormatException(sourceName, $"the array has {rank} dimensions; 1 to {limits.MaxRank} are read (IdxLimits.MaxRank).", isPacked ? -1 : 3);
        }

        var lengths = new byte[4 * rank];
        content.ReadExactly(lengths);
        shape = new int[rank];
        long count = 1, most = Math.Min(limits.MaxValues, Array.MaxLength - HeaderBytes(byte.MaxValue));
        for (int axis = 0; axis < rank; axis++)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(lengths.AsSpan(4 * axis));
            int at = isPacked ? -1 : FixedBytes + (4 * axis);

            // No length beyond the limit is multiplied, so that the product stays within 64 bits.
            if (length > most || (count *= length) > most)
            {
                throw new FileFormatException(sourceName, $"dimension {axis} has length {length}; arrays of at most {most} values are read (IdxLimits.MaxValues).", at);
            }

            shape[axis] = (int)length;
        }

        if (HeaderBytes(rank) + count > available)
        {
            throw new FileFormatException(sourceName, $"the header [{string.Join(", ", shape)}] asks for {count} values; the file can hold at most {Math.Max(0, available - HeaderBytes(rank))}. It is truncated or damaged.", isPacked ? -1 : FixedBytes);
        }

        var whole = new byte[HeaderBytes(rank) + (int)count];
        start.CopyTo(whole);
        lengths.CopyTo(whole, FixedBytes);
        content.ReadExactly(whole.AsSpan(HeaderBytes(rank)));
        return whole;
    }

    // RFC 1952: the CRC-32 of the content, then its length modulo 2^32. The framework does not tell a missing trailer from a whole one.
    private static void CheckTrailer(ReadOnlySpan<byte> trailer, byte[] whole, string sourceName, long offset)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != Crc32.Compute(whole) || BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != (uint)whole.Length)
        {
            throw new FileFormatException(sourceName, "the checksum or length at the end of the gzip stream is not that of its content: it is damaged, truncated, or more than one stream.", offset);
        }
    }

    private static string TypeName(byte type) => type switch
    {
        9 => "signed bytes",
        11 => "16-bit integers",
        12 => "32-bit integers",
        13 => "float32",
        14 => "float64",
        _ => "no type of the format",
    };
}
