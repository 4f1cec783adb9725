// Finished layers of a calibration that is not finished, in a safetensors file of float32 numbers: codes as they are and divergences to the last bit, so that a run that continues from it ends as one that was never
// interrupted. A key says what they were made from; whoever continues must have the same.
using System.Text.Json;
using BinaryAttention.Formats;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

internal static class PartialCalibration
{
    private const string KeyName = "calibration_key";
    private const string LayersName = "calibration_layers";

    /// <summary>Writes the file anew, whole or not at all.</summary>
    public static void Write(string path, string key, IReadOnlyCollection<LayerCodes> layers)
    {
        List<TensorToWrite> tensors = [];
        LayerCodes[] ordered = [.. layers.OrderBy(static layer => layer.Layer)];
        foreach (LayerCodes layer in ordered)
        {
            Add(layer, "weight", [layer.Bias.Length, layer.Weight.Length / layer.Bias.Length], layer.Weight);
            Add(layer, "bias", [layer.Bias.Length], layer.Bias);
            Add(layer, "temperature", [layer.Temperature.Length], layer.Temperature);
        }

        string list = JsonSerializer.Serialize(ordered.Select(static layer => (double[])[layer.Layer, layer.NaiveDivergence, layer.Divergence]).ToArray(), PartialCalibrationJson.Default.DoubleArrayArray);
        SafeTensorsWriter.Write(path, tensors, new Dictionary<string, string>(StringComparer.Ordinal) { [KeyName] = key, [LayersName] = list });

        void Add(LayerCodes layer, string part, long[] shape, float[] values) => tensors.Add(TensorToWrite.FromSingles(CalibratedFormReader.Name(layer.Layer, part), shape, values, TensorElementType.Float32));
    }

    /// <summary>The layers of a file, or null if it was made from something else.</summary>
    /// <exception cref="FileFormatException">The file is damaged.</exception>
    public static IReadOnlyList<LayerCodes>? Read(string path, string key)
    {
        using var file = TensorFile.Open(path);
        if (!file.Metadata.TryGetValue(KeyName, out string? stored) || !string.Equals(stored, key, StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            double[][] list = JsonSerializer.Deserialize(file.Metadata[LayersName], PartialCalibrationJson.Default.DoubleArrayArray)!;
            return [.. list.Select(entry => new LayerCodes(
                (int)entry[0], Values(file, (int)entry[0], "weight"), Values(file, (int)entry[0], "bias"), Values(file, (int)entry[0], "temperature"), entry[1], entry[2]))];
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or IndexOutOfRangeException)
        {
            throw new FileFormatException(path, $"the list of finished layers is damaged: {problem.Message} Delete the file to start anew.", innerException: problem);
        }
    }

    private static float[] Values(TensorFile file, int layer, string part) => file.ReadSingles(CalibratedFormReader.Name(layer, part));
}
