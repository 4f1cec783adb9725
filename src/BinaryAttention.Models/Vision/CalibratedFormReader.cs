// Reads the form of a calibrated checkpoint: the tensors say the sizes, the metadata "one_bit" (JSON) what no tensor says.
//
//   one_bit.N.weight [heads (2 code + 1 + 2 rank), width]   one_bit.N.bias [...]   rows: codes of queries, of keys, biases per key, query factors, key factors
//   one_bit.N.temperature [heads]
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Formats;
using BinaryAttention.Models.Checkpoints;

namespace BinaryAttention.Models.Vision;

internal static class CalibratedFormReader
{
    public const string MetadataKey = "one_bit";

    private const int Format = 1;
    private const string Prefix = "one_bit.";
    private const string LayerEnding = ".temperature";
    private const int MostLayers = 100_000;
    private const string PerToken = "per-token", PerHead = "per-head";
    private const string Remedy = "Take the file as 'binattn calibrate' wrote it.";

    public static string Name(int layer, string part) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{layer}.{part}");

    /// <summary>The form, or null for a checkpoint without codes.</summary>
    /// <exception cref="FileFormatException">The metadata are missing or damaged.</exception>
    public static CalibratedForm? Read(WeightSource source)
    {
        int[] layers = [.. source.TensorNames.Select(LayerOf).Where(static layer => layer >= 0).Order()];
        if (layers.Length == 0)
        {
            return null;
        }

        if (!source.Metadata.TryGetValue(MetadataKey, out string? text))
        {
            throw new FileFormatException(source.Name, $"there are codes ({Name(layers[0], "temperature")}) but no metadata \"{MetadataKey}\", which says how they are used. Take the file as 'binattn calibrate' wrote it.");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            int format = root.GetProperty("format").GetInt32();
            if (format != Format)
            {
                throw new FileFormatException(source.Name, $"the metadata \"{MetadataKey}\" have format {format}; this version reads format {Format}. Use the version of the library that the file was written for.");
            }

            var form = new CalibratedForm
            {
                CodeLength = Range(source, root, "codeLength", 1, 65536),
                Rank = Range(source, root, "rank", 0, 1024),
                QueryPlanes = Range(source, root, "queryPlanes", 1, 2),
                KeyPlanes = Range(source, root, "keyPlanes", 1, 2),
                WeightsKeys = WeightsKeys(source, root),
                HasExactSpecialRows = root.GetProperty("exactSpecialRows").GetBoolean(),
                Layers = layers,
                EightBitLayers = EightBitLayers(source, root, layers),
            };
            return form.KeyPlanes == 1 || form.WeightsKeys
                ? form
                : throw new FileFormatException(source.Name, $"the metadata \"{MetadataKey}\" have keyPlanes 2 with keyWeights \"{PerHead}\"; planes of keys have weights per token. {Remedy}");
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FileFormatException(source.Name, $"the metadata \"{MetadataKey}\" are damaged: {problem.Message} {Remedy}", innerException: problem);
        }
    }

    /// <summary>The tensors of a form, with their shapes.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Expected(CalibratedForm form, VisionTransformerConfiguration configuration)
    {
        long outputs = form.OutputCount(configuration.HeadCount);
        foreach (int layer in form.Layers)
        {
            yield return (Name(layer, "weight"), [outputs, configuration.Width]);
            yield return (Name(layer, "bias"), [outputs]);
            yield return (Name(layer, "temperature"), [configuration.HeadCount]);
        }
    }

    private static int LayerOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(LayerEnding, StringComparison.Ordinal) && name.Length > Prefix.Length + LayerEnding.Length
        && int.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - LayerEnding.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && layer < MostLayers
            ? layer
            : -1;

    // Files of earlier versions do not have the list.
    private static int[] EightBitLayers(WeightSource source, JsonElement root, int[] layers)
    {
        int[] listed = root.TryGetProperty("eightBitLayers", out JsonElement list) ? [.. list.EnumerateArray().Select(static layer => layer.GetInt32())] : [];
        int wrong = Array.FindIndex(listed, layer => layer < 0 || layer >= MostLayers || layers.Contains(layer));
        return wrong < 0 ? listed : throw new FileFormatException(source.Name, $"the metadata \"{MetadataKey}\" have the 8-bit layer {listed[wrong]}; layers without codes, from 0, are expected. {Remedy}");
    }

    private static bool WeightsKeys(WeightSource source, JsonElement root) => root.GetProperty("keyWeights").GetString() switch
    {
        PerToken => true,
        PerHead => false,
        string other => throw new FileFormatException(source.Name, $"the metadata \"{MetadataKey}\" have keyWeights \"{(other.Length > 100 ? string.Concat(other.AsSpan(0, 100), "...") : other)}\"; \"{PerHead}\" or \"{PerToken}\" is expected. {Remedy}"),
        null => throw new FileFormatException(source.Name, $"the metadata \"{MetadataKey}\" have no text for keyWeights; \"{PerHead}\" or \"{PerToken}\" is expected. {Remedy}"),
    };

    private static int Range(WeightSource source, JsonElement root, string name, int least, int most)
    {
        int value = root.GetProperty(name).GetInt32();
        return value >= least && value <= most ? value : throw new FileFormatException(source.Name, $"the metadata \"{MetadataKey}\" have {name} {value}; expected {least} to {most}. {Remedy}");
    }
}
