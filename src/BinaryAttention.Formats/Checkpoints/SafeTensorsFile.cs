using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// A safetensors checkpoint, mapped into memory and read on demand. The file is an unsigned little-endian 64-bit header length, a JSON
/// header (names, types, shapes, byte ranges) and the raw little-endian values. The header is checked in full when the file is opened;
/// no tensor byte is touched before it is asked for. All reads may run on several threads at once. The file must not be shortened by
/// others while it is open: the operating system ends a process that reads a mapped page that is gone.
/// </summary>
public sealed class SafeTensorsFile : TensorFile
{
    // Reads of large tensors go through spans of at most this many elements, so that 64-bit sizes never meet 32-bit span lengths.
    private const int ChunkElements = 1 << 20;

    private readonly ByteSource _bytes;
    private readonly SafeTensorsHeader _header;
    private readonly string _sourceName;

    private SafeTensorsFile(ByteSource bytes, SafeTensorsHeader header, string sourceName)
        : base(sourceName)
    {
        _bytes = bytes;
        _header = header;
        _sourceName = sourceName;
    }

    /// <inheritdoc/>
    public override string FormatName => "safetensors";

    /// <summary>The tensors in the order of their data.</summary>
    public override IReadOnlyList<TensorEntry> Tensors => _header.Tensors;

    /// <summary>The free-form <c>__metadata__</c> of the header; empty if there is none.</summary>
    public override IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What the header may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <returns>The open file; dispose it to unmap it.</returns>
    /// <exception cref="FileFormatException">The file is damaged, truncated or beyond the limits.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static new SafeTensorsFile Open(string path, CheckpointLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Create(MappedByteSource.Open(path), path, limits ?? CheckpointLimits.Default);
    }

    /// <summary>Checks a file held in memory. The bytes are used in place and must not change.</summary>
    /// <param name="bytes">The bytes of a whole file.</param>
    /// <param name="sourceName">Name for messages.</param>
    /// <param name="limits">What the header may ask for; <see cref="CheckpointLimits.Default"/> if null.</param>
    /// <exception cref="FileFormatException">The bytes are damaged, truncated or beyond the limits.</exception>
    public static SafeTensorsFile Parse(ReadOnlyMemory<byte> bytes, string sourceName = "safetensors", CheckpointLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(sourceName);
        return Create(new MemoryByteSource(bytes), sourceName, limits ?? CheckpointLimits.Default);
    }

    /// <summary>Finds a tensor by its exact name.</summary>
    /// <param name="name">The name, case-sensitive.</param>
    /// <param name="entry">The tensor, or null.</param>
    /// <returns>Whether there is one.</returns>
    public override bool TryGetTensor(string name, [NotNullWhen(true)] out TensorEntry? entry)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _header.ByName.TryGetValue(name, out entry);
    }

    /// <summary>The raw bytes of a tensor, without a copy. The span is valid until this file is disposed, and must not be used after.</summary>
    /// <param name="entry">A tensor of this file.</param>
    /// <returns>The little-endian values, not necessarily aligned to their size.</returns>
    /// <exception cref="ArgumentException">The entry is not of this file.</exception>
    /// <exception cref="FileFormatException">The tensor has more bytes than a span can hold (2,147,483,647).</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public ReadOnlySpan<byte> GetBytes(TensorEntry entry)
    {
        ObjectDisposedException.ThrowIf(_bytes.IsDisposed, this);
        TensorEntry own = RequireOwn(entry);
        if (own.ByteCount > int.MaxValue)
        {
            throw new FileFormatException(
                _sourceName,
                $"tensor {Quote.Name(own.Name)} has {own.ByteCount} bytes; a span holds at most {int.MaxValue}. ReadSingles, ReadDoubles and ReadInt64s read larger tensors.",
                own.ByteOffset);
        }

        return _bytes.Slice(own.ByteOffset, (int)own.ByteCount);
    }

    /// <inheritdoc/>
    public override byte[] ReadBytes(string name) => GetBytes(GetTensor(name)).ToArray();

    /// <summary>Reads a tensor of any type as float32. Wider integers and float64 are rounded to nearest, everything else is exact.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <returns>The values in row-major order.</returns>
    /// <exception cref="FileFormatException">There is no such tensor, or it has more elements than an array can hold.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public override float[] ReadSingles(string name)
    {
        TensorEntry entry = GetTensor(name);
        float[] values = Allocate<float>(entry);
        ReadSingles(entry, values);
        return values;
    }

    /// <summary>Reads a tensor of any type as float32 into memory the caller provides.</summary>
    /// <param name="entry">A tensor of this file.</param>
    /// <param name="destination">Exactly <see cref="TensorEntry.ElementCount"/> values, row-major.</param>
    /// <exception cref="ArgumentException">The entry is not of this file, or the destination has another length.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public void ReadSingles(TensorEntry entry, Span<float> destination)
    {
        TensorEntry own = RequireOwn(entry);
        if (destination.Length != own.ElementCount)
        {
            throw new ArgumentException($"destination has {destination.Length} values; tensor {Quote.Name(own.Name)} has {own.ElementCount}. Both must match.", nameof(destination));
        }

        ReadChunks(own, destination, static (type, source, chunk) =>
        {
            ElementConversion.ToSingles(type, source, chunk);
            return -1;
        });
    }

    /// <summary>Reads a tensor of any type as float64. 64-bit integers are rounded to nearest, everything else is exact.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <returns>The values in row-major order.</returns>
    /// <exception cref="FileFormatException">There is no such tensor, or it has more elements than an array can hold.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public override double[] ReadDoubles(string name)
    {
        TensorEntry entry = GetTensor(name);
        double[] values = Allocate<double>(entry);
        ReadChunks<double>(entry, values, static (type, source, chunk) =>
        {
            ElementConversion.ToDoubles(type, source, chunk);
            return -1;
        });
        return values;
    }

    /// <summary>Reads a tensor of an integer type or of truth values (0 and 1) as 64-bit integers.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <returns>The values in row-major order, exact.</returns>
    /// <exception cref="FileFormatException">
    /// There is no such tensor, it holds floating-point numbers, an unsigned value is beyond 64 signed bits, or it has more elements than an array can hold.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public override long[] ReadInt64s(string name)
    {
        TensorEntry entry = GetTensor(name);
        if (!ElementTypeNames.IsInteger(entry.ElementType))
        {
            throw new FileFormatException(
                _sourceName,
                $"tensor {Quote.Name(name)} holds {ElementTypeNames.NameOf(entry.ElementType)} values; integers were asked for and floating-point numbers are not rounded to them. Use ReadSingles or ReadDoubles.",
                entry.ByteOffset);
        }

        long[] values = Allocate<long>(entry);
        ReadChunks<long>(entry, values, ElementConversion.ToInt64s);
        return values;
    }

    /// <summary>Unmaps the file. Reads under way on other threads end first; spans from <see cref="GetBytes"/> become invalid.</summary>
    public override void Dispose() => _bytes.Dispose();

    /// <summary>Checks the header of any byte source and takes ownership of it.</summary>
    internal static SafeTensorsFile Create(ByteSource bytes, string sourceName, CheckpointLimits limits)
    {
        try
        {
            return new SafeTensorsFile(bytes, ReadHeader(bytes, sourceName, limits), sourceName);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private static SafeTensorsHeader ReadHeader(ByteSource bytes, string sourceName, CheckpointLimits limits)
    {
        const int prefix = SafeTensorsHeader.PrefixBytes;
        if (bytes.Length < prefix)
        {
            throw new FileFormatException(sourceName, $"the file has {bytes.Length} bytes; a safetensors file begins with the length of its header, {prefix} bytes.", 0);
        }

        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice(0, prefix));
        if (headerLength > (ulong)(bytes.Length - prefix))
        {
            throw new FileFormatException(sourceName, $"the header claims {headerLength} bytes, but {bytes.Length - prefix} follow. The file is truncated or not a safetensors file.", 0);
        }

        if (headerLength > (ulong)Math.Max(limits.MaxHeaderBytes, 0))
        {
            throw new FileFormatException(sourceName, $"the header claims {headerLength} bytes; at most {limits.MaxHeaderBytes} are read. Raise CheckpointLimits.MaxHeaderBytes to read it.", 0);
        }

        ReadOnlySpan<byte> header = bytes.Slice(prefix, (int)headerLength);
        if (header.IsEmpty || header[0] != (byte)'{')
        {
            throw new FileFormatException(sourceName, header.IsEmpty ? "the header is empty; expected a JSON object." : $"the header begins with byte 0x{header[0]:X2}; expected '{{'.", prefix);
        }

        if (!Utf8.IsValid(header))
        {
            throw new FileFormatException(sourceName, "the header is not valid UTF-8.", prefix + FindInvalidUtf8(header));
        }

        return SafeTensorsHeaderReader.Read(header, bytes.Length, sourceName, limits);
    }

    private static int FindInvalidUtf8(ReadOnlySpan<byte> header)
    {
        int offset = 0;
        while (System.Text.Rune.DecodeFromUtf8(header[offset..], out _, out int consumed) == System.Buffers.OperationStatus.Done)
        {
            offset += consumed;
        }

        return offset;
    }

    // The file's own entry decides what is read, never the one handed in: that one may be of another file or made by hand.
    private TensorEntry RequireOwn(TensorEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (_header.ByName.TryGetValue(entry.Name, out TensorEntry? own) && (ReferenceEquals(own, entry) || own.Equals(entry)))
        {
            return own;
        }

        throw new ArgumentException($"entry {Quote.Name(entry.Name)} is not a tensor of {_sourceName}. Pass an entry of this file's Tensors.", nameof(entry));
    }

    // The element count is backed by as many real bytes (the header was checked), so this cannot be provoked by a small file.
    private T[] Allocate<T>(TensorEntry entry)
    {
        ObjectDisposedException.ThrowIf(_bytes.IsDisposed, this);
        long elements = entry.ElementCount;
        return elements <= Array.MaxLength
            ? GC.AllocateUninitializedArray<T>((int)elements)
            : throw new FileFormatException(_sourceName, $"tensor {Quote.Name(entry.Name)} has {elements} elements; an array holds at most {Array.MaxLength}.", entry.ByteOffset);
    }

    private void ReadChunks<T>(TensorEntry entry, Span<T> destination, Func<TensorElementType, ReadOnlySpan<byte>, Span<T>, int> convert)
    {
        int elementBytes = ElementTypeNames.SizeOf(entry.ElementType);
        _bytes.Enter();
        try
        {
            for (int first = 0; first < destination.Length; first += Math.Min(ChunkElements, destination.Length - first))
            {
                int count = Math.Min(ChunkElements, destination.Length - first);
                long offset = entry.ByteOffset + ((long)first * elementBytes);
                int failed = convert(entry.ElementType, _bytes.Slice(offset, count * elementBytes), destination.Slice(first, count));
                if (failed >= 0)
                {
                    throw new FileFormatException(
                        _sourceName,
                        $"element {(long)first + failed} of tensor {Quote.Name(entry.Name)} is beyond {long.MaxValue}, the largest 64-bit signed integer. Use ReadDoubles.",
                        offset + ((long)failed * elementBytes));
                }
            }
        }
        finally
        {
            _bytes.Exit();
        }
    }
}
