// A minimal reader of the safetensors layout for files that this project made itself: 8 bytes header length, JSON header, raw little-endian data.
// It trusts its input beyond what the runtime checks; it is kept apart from the library's own reader in BinaryAttention.Formats so that each checks the other.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace GoldenVectors;

internal static class SafeTensorsReader
{
    public static (Dictionary<string, string> Metadata, Dictionary<string, GoldenTensor> Tensors) Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int headerLength = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, headerLength));
        ReadOnlySpan<byte> data = bytes.AsSpan(8 + headerLength);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var tensors = new Dictionary<string, GoldenTensor>(StringComparer.Ordinal);
        foreach (JsonProperty entry in header.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
            {
                foreach (JsonProperty pair in entry.Value.EnumerateObject())
                {
                    metadata.Add(pair.Name, pair.Value.GetString()!);
                }

                continue;
            }

            string type = entry.Value.GetProperty("dtype").GetString()!;
            int[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];
            JsonElement offsets = entry.Value.GetProperty("data_offsets");
            int begin = offsets[0].GetInt32();
            ReadOnlySpan<byte> stored = data[begin..offsets[1].GetInt32()];
            double[] values = Widen(type, stored);
            if (values.Length != shape.Aggregate(1L, (product, size) => product * size))
            {
                throw new InvalidDataException($"{path}: tensor {entry.Name} has {values.Length} elements; its shape says otherwise.");
            }

            tensors.Add(entry.Name, new GoldenTensor(entry.Name, type, shape, values) { Longs = type == "I64" ? MemoryMarshal.Cast<byte, long>(stored).ToArray() : [] });
        }

        return (metadata, tensors);
    }

    private static double[] Widen(string type, ReadOnlySpan<byte> bytes) => type switch
    {
        "F64" => Convert<double>(bytes, static value => value),
        "F32" => Convert<float>(bytes, static value => value),
        "F16" => Convert<Half>(bytes, static value => (double)value),
        "I64" => Convert<long>(bytes, static value => value),
        "I32" => Convert<int>(bytes, static value => value),
        "I16" => Convert<short>(bytes, static value => value),
        "I8" => Convert<sbyte>(bytes, static value => value),
        "U8" or "BOOL" => Convert<byte>(bytes, static value => value),
        _ => throw new NotSupportedException($"Golden tensors of type {type} are not read. Known types: F64, F32, F16, I64, I32, I16, I8, U8, BOOL."),
    };

    // The runtimes that run these tests are all little-endian.
    private static double[] Convert<T>(ReadOnlySpan<byte> bytes, Func<T, double> widen)
        where T : unmanaged
    {
        ReadOnlySpan<T> source = MemoryMarshal.Cast<byte, T>(bytes);
        var values = new double[source.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = widen(source[i]);
        }

        return values;
    }
}
