// The weights as an ordinary checkpoint, under the names and with the metadata that VisionTransformer.Load and every command read. Codes of a calibrated checkpoint that was trained with other
// attention are left out: they belong to the weights as they were.
using System.Globalization;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Training.Networks;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Evaluation;

internal static class ModelExport
{
    private const string CodePrefix = "one_bit.";

    public static void Write(string path, TrainableVisionTransformer network, string attention, long step)
    {
        (IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string> metadata) = network.ToCheckpoint();
        var texts = new Dictionary<string, string>(metadata, StringComparer.Ordinal)
        {
            ["trained_attention"] = attention,
            ["trained_steps"] = step.ToString(CultureInfo.InvariantCulture),
        };
        if (!network.Options.Attention.ForDepth(network.Configuration.Depth).Any(static layer => layer.IsCalibrated))
        {
            texts.Remove(CalibratedFormReader.MetadataKey);
            tensors = [.. tensors.Where(static tensor => !tensor.Name.StartsWith(CodePrefix, StringComparison.Ordinal))];
        }

        SafeTensorsWriter.Write(path, tensors, texts);
    }
}
