// A run of a few seconds on made-up digits: bright or dark decides the class. Everything that a run can keep is switched on.
using System.Buffers.Binary;
using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Configuration;
using TestKit.Files;

namespace BinaryAttention.Models.Tests.Training.Runs;

internal static class SmallRun
{
    private const int Side = 8, Count = 80;

    /// <summary>Changes that leave pictures and blocks alone: what is then to be learned is easy.</summary>
    public static string[] Plain { get; } = ["augmentation.mixup=0", "augmentation.cutMix=0", "augmentation.erasing=0", "augmentation.rotation=0", "augmentation.cropPadding=0", "model.dropPath=0"];

    /// <summary>Writes the digits and a configuration; gives its path.</summary>
    public static string Write(TemporaryFolder folder)
    {
        RandomStream random = new Randomness(5).Stream("digits");
        var images = new byte[16 + (Count * Side * Side)];
        var labels = new byte[8 + Count];
        Header(images, 0x803, Count, Side, Side);
        Header(labels, 0x801, Count);
        for (int i = 0; i < Count; i++)
        {
            int label = i % 2;
            labels[8 + i] = (byte)label;
            for (int pixel = 0; pixel < Side * Side; pixel++)
            {
                bool isBright = label == 1;
                images[16 + (i * Side * Side) + pixel] = (byte)((isBright ? 128 : 0) + random.NextInt(100));
            }
        }

        File.WriteAllBytes(folder["images"], images);
        File.WriteAllBytes(folder["labels"], labels);
        File.WriteAllText(folder["train.json"], """
            {
              "model": { "imageSize": 8, "patchSize": 4, "dimension": 32, "depth": 2, "heads": 2, "mlpRatio": 2, "classes": 2, "dropPath": 0.1 },
              "attention": { "kind": "binary", "bias": "relative", "quantization": "tiled" },
              "data": { "images": "images", "labels": "labels", "train": { "count": 48 }, "select": { "first": 48, "count": 16 }, "test": { "first": 64 } },
              "augmentation": { "rotation": 5, "cropPadding": 1, "erasing": 0.1, "mixup": 0.2, "cutMix": 0.2 },
              "optimizer": { "learningRate": 5e-3, "clipNorm": 1 },
              "schedule": { "warmUpEpochs": 1 },
              "epochs": 6, "batch": 4, "accumulation": 2, "ema": 0.8, "checkpointSteps": 2, "logSteps": 1, "threads": 1, "output": "run"
            }
            """);
        return folder["train.json"];
    }

    public static TrainingConfiguration Read(TemporaryFolder folder, params string[] changes) => ConfigurationFile.Read(Write(folder), changes);

    private static void Header(Span<byte> bytes, params ReadOnlySpan<int> numbers)
    {
        for (int i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes[(4 * i)..], numbers[i]);
        }
    }
}
