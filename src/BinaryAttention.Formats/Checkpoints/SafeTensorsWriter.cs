using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Writes safetensors files. The same input gives the same bytes: tensors keep the given order, metadata is sorted by key, the header is
/// padded with spaces so that the data begins at a multiple of 8. The file appears whole or not at all: it is written beside its place under
/// a temporary name, flushed to disk and renamed. A symbolic link is replaced
/// by the file, not followed. On Windows the rename fails while the old file is open.
/// </summary>
public static class SafeTensorsWriter
{
    private const int DataAlignment = 8;

    // Readers, this one included, refuse longer headers and (this one) deeper shapes and longer names; do not write what cannot be read back.
    private static readonly CheckpointLimits Limits = CheckpointLimits.Default;

    // Rejects text that is not valid UTF-16 instead of storing a replacement character.
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Writes tensors to a file, replacing it if it exists.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="tensors">The tensors, written in this order.</param>
    /// <param name="metadata">Free-form text stored with them, if any.</param>
    /// <exception cref="ArgumentException">
    /// A name is repeated, reserved, too long or no valid text, a shape does not fit its bytes, or the header would be longer than readers accept. Nothing was written.
    /// </exception>
    /// <exception cref="IOException">The file could not be written; a file that was there before is unchanged.</exception>
    public static void Write(string path, IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        CheckTensors(tensors);
        CheckMetadata(metadata);
        byte[] start = BuildStart(tensors, metadata);

        string target = Path.GetFullPath(path);
        string temporary = Path.Combine(Path.GetDirectoryName(target) ?? target, $".{Guid.NewGuid():N}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                stream.Write(start);
                foreach (TensorToWrite tensor in tensors)
                {
                    stream.Write(tensor.Bytes.Span);
                }

                // Data before name: after a power cut the new name must not lead to missing bytes.
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            DeleteQuietly(temporary);
            throw;
        }
    }

    private static void CheckTensors(IReadOnlyList<TensorToWrite> tensors)
    {
        if (tensors.Count > Limits.MaxTensors)
        {
            throw new ArgumentException($"tensors has {tensors.Count} entries; at most {Limits.MaxTensors} are written to one file.", nameof(tensors));
        }

        var names = new HashSet<string>(tensors.Count, StringComparer.Ordinal);
        for (int i = 0; i < tensors.Count; i++)
        {
            TensorToWrite tensor = tensors[i] ?? throw new ArgumentException($"tensors[{i}] is null.", nameof(tensors));
            CheckText(tensor.Name, $"tensors[{i}].Name", Limits.MaxNameLength, nameof(tensors));
            string label = $"tensors[{i}] ({Quote.Name(tensor.Name)})";
            if (string.Equals(tensor.Name, SafeTensorsHeader.MetadataKey, StringComparison.Ordinal))
            {
                throw new ArgumentException($"{label}: the name is reserved for metadata. Rename the tensor.", nameof(tensors));
            }

            if (!names.Add(tensor.Name))
            {
                throw new ArgumentException($"{label}: the name appears twice; names must be unique.", nameof(tensors));
            }

            if (!ElementTypeNames.IsKnown(tensor.ElementType))
            {
                throw new ArgumentException($"{label}: ElementType is {tensor.ElementType}, which names no type.", nameof(tensors));
            }

            if (tensor.Shape is null || tensor.Shape.Count > Limits.MaxRank)
            {
                throw new ArgumentException($"{label}: Shape {(tensor.Shape is null ? "is null" : $"has {tensor.Shape.Count} dimensions")}; expected at most {Limits.MaxRank} dimensions.", nameof(tensors));
            }

            if (!ShapeProduct.TryMultiply(tensor.Shape, ElementTypeNames.SizeOf(tensor.ElementType), out _, out long bytes) || bytes != tensor.Bytes.Length)
            {
                throw new ArgumentException($"{label}: {ElementTypeNames.NameOf(tensor.ElementType)} [{string.Join(", ", tensor.Shape)}] does not fit the {tensor.Bytes.Length} bytes given.", nameof(tensors));
            }
        }
    }

    private static void CheckMetadata(IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is null)
        {
            return;
        }

        if (metadata.Count > Limits.MaxMetadataEntries)
        {
            throw new ArgumentException($"metadata has {metadata.Count} entries; at most {Limits.MaxMetadataEntries} are written to one file.", nameof(metadata));
        }

        foreach ((string key, string value) in metadata)
        {
            CheckText(key, "a metadata key", Limits.MaxNameLength, nameof(metadata));
            CheckText(value, $"metadata {Quote.Name(key)}", int.MaxValue, nameof(metadata));
        }
    }

    private static void CheckText(string? text, string what, int maxLength, string parameterName)
    {
        if (text is null)
        {
            throw new ArgumentException($"{what} is null; expected text.", parameterName);
        }

        if (text.Length > maxLength)
        {
            throw new ArgumentException($"{what} has {text.Length} characters; at most {maxLength} are written.", parameterName);
        }

        try
        {
            _ = StrictUtf8.GetByteCount(text);
        }
        catch (EncoderFallbackException exception)
        {
            throw new ArgumentException($"{what} holds half of a surrogate pair at character {exception.Index}, which UTF-8 cannot store.", parameterName, exception);
        }
    }

    // The length, the JSON and its padding. Offsets cannot overflow: each tensor has less than 2^31 bytes and there are at most 10^6.
    private static byte[] BuildStart(IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.GetSpan(SafeTensorsHeader.PrefixBytes)[..SafeTensorsHeader.PrefixBytes].Clear();
        buffer.Advance(SafeTensorsHeader.PrefixBytes);

        // The relaxed encoder leaves letters of all languages readable; the file is not embedded in HTML.
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafeTensorsHeader.MetadataKey);
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            long offset = 0;
            foreach (TensorToWrite tensor in tensors)
            {
                WriteTensor(json, tensor, offset);
                offset += tensor.Bytes.Length;
            }

            json.WriteEndObject();
        }

        int padding = -buffer.WrittenCount & (DataAlignment - 1);
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        int headerBytes = buffer.WrittenCount - SafeTensorsHeader.PrefixBytes;
        if (headerBytes > Limits.MaxHeaderBytes)
        {
            throw new ArgumentException($"names, shapes and metadata make a header of {headerBytes} bytes; readers accept at most {Limits.MaxHeaderBytes}. Shorten the metadata or split the file.", nameof(tensors));
        }

        byte[] start = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(start, (ulong)headerBytes);
        return start;
    }

    private static void WriteTensor(Utf8JsonWriter json, TensorToWrite tensor, long offset)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype"u8, ElementTypeNames.NameOf(tensor.ElementType));
        json.WriteStartArray("shape"u8);
        foreach (long length in tensor.Shape)
        {
            json.WriteNumberValue(length);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets"u8);
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset + tensor.Bytes.Length);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // The failure that led here is the one to report; that the leftover cannot be deleted either adds nothing.
    private static void DeleteQuietly(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (IOException)
        {
        }
        catch (UnauthorizedAccessException)
        {
        }
    }
}
