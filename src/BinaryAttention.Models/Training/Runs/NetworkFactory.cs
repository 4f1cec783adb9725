// From the sections of a configuration to networks: the one that learns, the attention it learns with, and its teacher.
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Networks;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Runs;

internal static class NetworkFactory
{
    public static TrainableVisionTransformer Create(TrainingConfiguration configuration)
    {
        ModelSection model = configuration.Model;
        var options = new TrainableVisionTransformerOptions
        {
            Attention = Attention(configuration.Attention),
            DropPathRate = model.DropPath,
            RecomputesBlocks = configuration.RecomputeBlocks,
            Randomness = new Randomness(configuration.Seed),
        };
        TrainableVisionTransformer network = model.Checkpoint is null
            ? new TrainableVisionTransformer(Sizes(configuration), options)
            : Load(model.Checkpoint, model.Heads, configuration.Attention.Bias == "relative", options);
        if (configuration.AttentionOnly)
        {
            network.TrainAttentionOnly();
        }

        return network;
    }

    /// <summary>The teacher, frozen, with exact attention.</summary>
    public static TrainableVisionTransformer? Teacher(TrainingConfiguration configuration) => configuration.Loss.Teacher is { } path
        ? Load(path, configuration.Loss.TeacherHeads, hasTable: null, new TrainableVisionTransformerOptions())
        : null;

    public static AttentionChoice Attention(AttentionSection section)
    {
        ValueQuantization quantization = section.Quantization switch
        {
            "tiled" => ValueQuantization.Tiled,
            "training-parity" => ValueQuantization.TrainingParity,
            _ => ValueQuantization.Full,
        };
        return AttentionChoice.All(section.Kind switch
        {
            "binary" => LayerAttention.OneBit(new BinaryAttentionOptions { Quantization = quantization, Weighting = section.Weighting == "none" ? SignWeighting.None : SignWeighting.MeanMagnitudePerHead }),
            "calibrated" => LayerAttention.CalibratedWith(quantization),
            _ => LayerAttention.Exact,
        });
    }

    private static VisionTransformerConfiguration Sizes(TrainingConfiguration configuration)
    {
        ModelSection model = configuration.Model;
        return new VisionTransformerConfiguration
        {
            ImageHeight = model.ImageSize,
            ImageWidth = model.ImageSize,
            PatchSize = model.PatchSize,
            ChannelCount = model.Channels,
            Width = model.Dimension,
            Depth = model.Depth,
            HeadCount = model.Heads,
            MlpRatio = model.MlpRatio,
            ClassCount = model.Classes,
            HasRelativePositionBias = configuration.Attention.Bias == "relative",
        };
    }

    private static TrainableVisionTransformer Load(string path, int heads, bool? hasTable, TrainableVisionTransformerOptions options)
    {
        using var file = TensorFile.Open(path);
        var source = WeightSource.FromTensorFile(file, path);
        VisionTransformerConfiguration stored = VisionTransformer.Load(source, checkpoint: new CheckpointOptions { HeadCount = heads == 0 ? null : heads }).Configuration;
        if (stored.HasRelativePositionBias && hasTable == false)
        {
            throw new ArgumentException($"attention.bias is \"none\", but {path} has relative-position tables. Set attention.bias to \"relative\", or start from a checkpoint without them.");
        }

        return TrainableVisionTransformer.Load(source, stored with { HasRelativePositionBias = hasTable ?? stored.HasRelativePositionBias }, options);
    }
}
