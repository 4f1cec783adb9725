using System.Globalization;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

/// <summary>Writes a checkpoint with codes: every tensor of the original as it was, the codes beside them, and what was done in the metadata. It loads like any other, without this namespace.</summary>
public static class CalibratedCheckpoint
{
    /// <summary>The tensors of a calibrated checkpoint.</summary>
    /// <param name="source">The original.</param>
    /// <param name="codes">The codes.</param>
    /// <param name="elementType">Element type of the codes: Float32, Float16 or BFloat16.</param>
    /// <exception cref="ArgumentException">The original is calibrated already, or holds no model or several, or a code is not finite or beyond the element type.</exception>
    public static IReadOnlyList<TensorToWrite> Tensors(TensorFile source, ModelCodes codes, TensorElementType elementType)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(codes);
        List<TensorToWrite> tensors = [.. source.Tensors.Select(tensor => new TensorToWrite(tensor.Name, tensor.ElementType, tensor.Shape, source.ReadBytes(tensor.Name)))];
        string prefix = Prefix(tensors);
        foreach (LayerCodes layer in codes.Layers)
        {
            long outputs = layer.Bias.Length;
            Add("weight", [outputs, layer.Weight.Length / outputs], layer.Weight, elementType);
            Add("bias", [outputs], layer.Bias, elementType);

            // A handful of numbers that every logit is multiplied by: rounding them would save nothing.
            Add("temperature", [layer.Temperature.Length], layer.Temperature, TensorElementType.Float32);

            void Add(string part, long[] shape, float[] values, TensorElementType type)
            {
                string name = CalibratedFormReader.Name(layer.Layer, part);
                RequireRange(name, values, type);
                tensors.Add(TensorToWrite.FromSingles(prefix + name, shape, values, type));
            }
        }

        return tensors;
    }

    // What would become an infinity, or what no loader takes.
    private static void RequireRange(string name, float[] values, TensorElementType type)
    {
        float largest = type == TensorElementType.Float16 ? (float)Half.MaxValue : CodeNumbers.Largest;
        int bad = CodeNumbers.FindBad(values, largest);
        if (bad >= 0)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{name} holds {values[bad]} at index {bad}, but {type} codes may be {largest:G5} at most. {(type == TensorElementType.Float16 ? "Take BFloat16 or Float32 (--type bf16 or f32)." : "Calibrate on more images, or keep the layer exact.")}"), nameof(values));
        }
    }

    /// <summary>The metadata of a calibrated checkpoint: the original's, what its tensors cannot say, and the record of the calibration under <c>one_bit</c>.</summary>
    /// <param name="source">The original.</param>
    /// <param name="configuration">The model's sizes.</param>
    /// <param name="codes">The codes.</param>
    /// <param name="imagesDigest">A digest of the list of images, for who wants to repeat it.</param>
    /// <param name="tool">Name and version of the program.</param>
    public static IReadOnlyDictionary<string, string> Metadata(TensorFile source, VisionTransformerConfiguration configuration, ModelCodes codes, string imagesDigest, string tool)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(codes);
        return new Dictionary<string, string>(source.Metadata, StringComparer.Ordinal)
        {
            ["num_heads"] = configuration.HeadCount.ToString(CultureInfo.InvariantCulture),
            ["activation"] = configuration.Activation == MlpActivation.Relu ? "relu" : "gelu",
            [ConfigurationReader.EpsilonKey] = configuration.LayerNormEpsilon.ToString(CultureInfo.InvariantCulture),
            [ConfigurationReader.ChannelsKey] = configuration.ChannelCount.ToString(CultureInfo.InvariantCulture),
            [CalibratedFormReader.MetadataKey] = CalibrationRecord.Write(codes, imagesDigest, tool),
        };
    }

    private static string Prefix(List<TensorToWrite> tensors)
    {
        if (tensors.Exists(static tensor => tensor.Name.Contains(CalibratedFormReader.MetadataKey + ".", StringComparison.Ordinal)))
        {
            throw new ArgumentException("source holds codes already. Calibrate the original model.", nameof(tensors));
        }

        string[] found = [.. tensors.Where(static tensor => tensor.Name == CheckpointNames.ClassToken || tensor.Name.EndsWith("." + CheckpointNames.ClassToken, StringComparison.Ordinal)).Select(static tensor => tensor.Name[..^CheckpointNames.ClassToken.Length])];
        return found.Contains(string.Empty, StringComparer.Ordinal) ? string.Empty : found.Length == 1
            ? found[0]
            : throw new ArgumentException($"source holds {found.Length} models; one is expected. Choose one by its prefix.", nameof(tensors));
    }
}
