using System.Globalization;
using System.Text.Json;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Parses the JSON of a safetensors header token by token: <c>{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}</c>.
/// Every name, number and key is checked where it stands, duplicates included (JSON itself would let the last one win). Memory grows with
/// the bytes that are there, never with a number they claim. The layout of the data is checked by <see cref="SafeTensorsLayout"/>.
/// </summary>
internal ref struct SafeTensorsHeaderReader
{
    // Root object, tensor object, array: the format nests three deep. Anything deeper is refused while still shallow.
    private const int MaxDepth = 8;

    private readonly string _sourceName;
    private readonly CheckpointLimits _limits;
    private readonly long _dataLength;
    private readonly long _dataStart;
    private readonly List<PendingTensor> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private Dictionary<string, string>? _metadata;
    private Utf8JsonReader _json;

    private SafeTensorsHeaderReader(ReadOnlySpan<byte> header, long fileLength, string sourceName, CheckpointLimits limits)
    {
        _sourceName = sourceName;
        _limits = limits;
        _dataStart = SafeTensorsHeader.PrefixBytes + header.Length;
        _dataLength = fileLength - _dataStart;
        _json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    /// <summary>Parses and checks a header whose length, first byte and UTF-8 were checked before.</summary>
    /// <param name="header">The JSON, without the length in front.</param>
    /// <param name="fileLength">Bytes of the whole file.</param>
    /// <param name="sourceName">Name for messages.</param>
    /// <param name="limits">What the header may ask for.</param>
    /// <exception cref="FileFormatException">Anything is not as the format demands.</exception>
    public static SafeTensorsHeader Read(ReadOnlySpan<byte> header, long fileLength, string sourceName, CheckpointLimits limits)
    {
        var reader = new SafeTensorsHeaderReader(header, fileLength, sourceName, limits);
        reader.ReadRoot();
        IReadOnlyDictionary<string, string> metadata = reader._metadata is { } found ? found.AsReadOnly() : System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;
        return SafeTensorsLayout.Check(reader._tensors, metadata, fileLength, reader._dataStart, sourceName);
    }

    private void ReadRoot()
    {
        Next();
        Expect(JsonTokenType.StartObject, "the header", "an object");
        while (Next() == JsonTokenType.PropertyName)
        {
            long nameOffset = _json.TokenStartIndex;
            if (_json.ValueTextEquals(SafeTensorsHeader.MetadataKey))
            {
                ReadMetadata(nameOffset);
                continue;
            }

            string name = ReadName("tensor name");
            if (!_names.Add(name))
            {
                throw Fail($"tensor {Quote.Name(name)} appears twice in the header; every name must be unique.", nameOffset);
            }

            if (_tensors.Count >= _limits.MaxTensors)
            {
                throw Fail($"the header holds more than {_limits.MaxTensors} tensors. Raise CheckpointLimits.MaxTensors to read it.", nameOffset);
            }

            _tensors.Add(ReadTensor(name, nameOffset));
        }

        // Read once more: JSON after the root object is an error the parser reports, padding with white space is not.
        if (TryRead())
        {
            throw Fail("the header goes on after its closing brace; only padding with spaces may follow.", _json.TokenStartIndex);
        }
    }

    private void ReadMetadata(long keyOffset)
    {
        if (_metadata is not null)
        {
            throw Fail("__metadata__ appears twice in the header; it may appear once.", keyOffset);
        }

        _metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        Next();
        Expect(JsonTokenType.StartObject, SafeTensorsHeader.MetadataKey, "an object of strings");
        while (Next() == JsonTokenType.PropertyName)
        {
            long nameOffset = _json.TokenStartIndex;
            string key = ReadName("metadata key");
            Next();
            Expect(JsonTokenType.String, $"metadata {Quote.Name(key)}", "a string");
            if (_metadata.Count >= _limits.MaxMetadataEntries)
            {
                throw Fail($"the header holds more than {_limits.MaxMetadataEntries} metadata entries. Raise CheckpointLimits.MaxMetadataEntries to read it.", nameOffset);
            }

            if (!_metadata.TryAdd(key, ReadText()))
            {
                throw Fail($"metadata {Quote.Name(key)} appears twice; every key must be unique.", nameOffset);
            }
        }
    }

    private PendingTensor ReadTensor(string name, long nameOffset)
    {
        Next();
        Expect(JsonTokenType.StartObject, $"tensor {Quote.Name(name)}", "an object with dtype, shape and data_offsets");
        TensorElementType? type = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (Next() == JsonTokenType.PropertyName)
        {
            long keyOffset = _json.TokenStartIndex;
            bool isRepeated;
            if (_json.ValueTextEquals("dtype"u8))
            {
                isRepeated = type is not null;
                type = ReadElementType(name);
            }
            else if (_json.ValueTextEquals("shape"u8))
            {
                isRepeated = shape is not null;
                shape = ReadNumbers(name, "shape", _limits.MaxRank, "Raise CheckpointLimits.MaxRank to read it.");
            }
            else if (_json.ValueTextEquals("data_offsets"u8))
            {
                isRepeated = offsets is not null;
                offsets = ReadNumbers(name, "data_offsets", 2, "It holds begin and end.");
            }
            else
            {
                throw Fail($"tensor {Quote.Name(name)} has the unknown key {Quote.Name(ReadText())}; dtype, shape and data_offsets are known.", keyOffset);
            }

            if (isRepeated)
            {
                throw Fail($"tensor {Quote.Name(name)} gives one of dtype, shape and data_offsets twice; each may appear once.", keyOffset);
            }
        }

        if (type is null || shape is null || offsets is null)
        {
            string missing = type is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw Fail($"tensor {Quote.Name(name)} has no {missing}; dtype, shape and data_offsets are required.", nameOffset);
        }

        return CheckSize(name, type.Value, shape, offsets, nameOffset);
    }

    private readonly PendingTensor CheckSize(string name, TensorElementType type, long[] shape, long[] offsets, long nameOffset)
    {
        if (offsets.Length != 2 || offsets[0] > offsets[1])
        {
            throw Fail($"tensor {Quote.Name(name)} has data_offsets [{string.Join(", ", offsets)}]; expected [begin, end] with begin at most end.", nameOffset);
        }

        if (offsets[1] > _dataLength)
        {
            throw Fail($"tensor {Quote.Name(name)} ends at data byte {offsets[1]}, but the file has only {_dataLength} data bytes. It is truncated or damaged.", nameOffset);
        }

        if (!ShapeProduct.TryMultiply(shape, ElementTypeNames.SizeOf(type), out _, out long bytes))
        {
            throw Fail($"tensor {Quote.Name(name)} has shape [{string.Join(", ", shape)}], whose size in bytes overflows 64 bits.", nameOffset);
        }

        if (bytes != offsets[1] - offsets[0])
        {
            throw Fail(
                $"tensor {Quote.Name(name)} has data_offsets [{offsets[0]}, {offsets[1]}], {offsets[1] - offsets[0]} bytes; {ElementTypeNames.NameOf(type)} [{string.Join(", ", shape)}] needs {bytes}.",
                nameOffset);
        }

        var entry = new TensorEntry(name, type, Array.AsReadOnly(shape), _dataStart + offsets[0], bytes);
        return new PendingTensor(entry, SafeTensorsHeader.PrefixBytes + nameOffset);
    }

    private TensorElementType ReadElementType(string name)
    {
        Next();
        Expect(JsonTokenType.String, $"dtype of tensor {Quote.Name(name)}", "a string");
        long offset = _json.TokenStartIndex;
        string typeName = ReadText();
        return ElementTypeNames.TryParse(typeName, out TensorElementType type)
            ? type
            : throw Fail($"tensor {Quote.Name(name)} has the unknown dtype {Quote.Name(typeName)}; known are {ElementTypeNames.All}.", offset);
    }

    private long[] ReadNumbers(string name, string key, int maxCount, string remedy)
    {
        Next();
        Expect(JsonTokenType.StartArray, $"{key} of tensor {Quote.Name(name)}", "an array of integers");
        var numbers = new List<long>(4);
        while (Next() != JsonTokenType.EndArray)
        {
            // The first character decides the sign, so that -0 is refused like every other negative number.
            if (_json.TokenType != JsonTokenType.Number || _json.ValueSpan[0] == (byte)'-' || !_json.TryGetInt64(out long number))
            {
                throw Fail($"{key} of tensor {Quote.Name(name)} holds something other than an integer from 0 to {long.MaxValue.ToString(CultureInfo.InvariantCulture)}.", _json.TokenStartIndex);
            }

            if (numbers.Count >= maxCount)
            {
                throw Fail($"{key} of tensor {Quote.Name(name)} has more than {maxCount} numbers. {remedy}", _json.TokenStartIndex);
            }

            numbers.Add(number);
        }

        return [.. numbers];
    }

    private readonly string ReadName(string what)
    {
        string name = ReadText();
        return name.Length <= _limits.MaxNameLength
            ? name
            : throw Fail($"a {what} has {name.Length} characters; at most {_limits.MaxNameLength} are read. Raise CheckpointLimits.MaxNameLength to read it.", _json.TokenStartIndex);
    }

    private readonly string ReadText()
    {
        try
        {
            return _json.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            // UTF-8 was checked for the whole header; what is left is an escape such as \ud800 without its other half.
            throw Fail("a string holds half of a surrogate pair, which is no text.", _json.TokenStartIndex, exception);
        }
    }

    private JsonTokenType Next() => TryRead() ? _json.TokenType : throw Fail("the header ends too early.", _json.BytesConsumed);

    private bool TryRead()
    {
        try
        {
            return _json.Read();
        }
        catch (JsonException exception)
        {
            throw Fail($"the header is not valid JSON: {exception.Message}", _json.BytesConsumed, exception);
        }
    }

    private readonly void Expect(JsonTokenType expected, string what, string wanted)
    {
        if (_json.TokenType != expected)
        {
            throw Fail($"{what} is of JSON kind {_json.TokenType}; expected {wanted}.", _json.TokenStartIndex);
        }
    }

    private readonly FileFormatException Fail(string problem, long headerOffset, Exception? inner = null) =>
        new(_sourceName, problem, SafeTensorsHeader.PrefixBytes + headerOffset, inner);
}
