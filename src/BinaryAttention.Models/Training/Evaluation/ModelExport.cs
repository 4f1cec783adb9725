// The weights as an ordinary checkpoint, under the names and with the metadata that VisionTransformer.Load and every command read.
using System.Globalization;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Training.Networks;

namespace BinaryAttention.Models.Training.Evaluation;

internal static class ModelExport
{
    public static void Write(string path, TrainableVisionTransformer network, string attention, long step)
    {
        (IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string> metadata) = network.ToCheckpoint();
        SafeTensorsWriter.Write(path, tensors, new Dictionary<string, string>(metadata, StringComparer.Ordinal)
        {
            ["trained_attention"] = attention,
            ["trained_steps"] = step.ToString(CultureInfo.InvariantCulture),
        });
    }
}
