// Every value of a configuration against what is possible, before any work: member, value, expectation, remedy.
using System.Globalization;

namespace BinaryAttention.Models.Training.Configuration;

internal static class ConfigurationChecks
{
    public static void Check(TrainingConfiguration configuration)
    {
        Whole("epochs", configuration.Epochs, 1, 1_000_000);
        Whole("batch", configuration.Batch, 1, 65_536);
        Whole("accumulation", configuration.Accumulation, 1, 65_536);
        Number("ema", configuration.Ema, 0, 0.999999999, "0 trains without a moving average, 0.9999 is usual");
        Whole("checkpointSteps", configuration.CheckpointSteps, 0, int.MaxValue);
        Whole("logSteps", configuration.LogSteps, 1, int.MaxValue);
        Whole("threads", configuration.Threads, 0, 1024);
        Path("output", configuration.Output, "the folder that receives the run");
        Check(configuration.Model);
        Check(configuration.Attention);
        Require(configuration.Attention.Kind != "calibrated" || configuration.Model.Checkpoint is not null, "model.checkpoint is missing; calibrated attention is trained from a checkpoint that 'binattn calibrate' wrote.");
        Check(configuration.Data, configuration);
        Check(configuration.Augmentation);
        Check(configuration.Optimizer);
        Check(configuration.Schedule, configuration.Optimizer, configuration.Epochs);
        Check(configuration.Loss, configuration);
    }

    private static void Check(ModelSection model)
    {
        Number("model.dropPath", model.DropPath, 0, 0.99, "0.1 is usual for DeiT");
        Whole("model.heads", model.Heads, 0, 4096);
        if (model.Checkpoint is not null)
        {
            Path("model.checkpoint", model.Checkpoint, "a checkpoint; leave it out for a new network");
            return;
        }

        Whole("model.patchSize", model.PatchSize, 1, 1024);
        Whole("model.imageSize", model.ImageSize, 1, 4096);
        Whole("model.dimension", model.Dimension, 1, 65_536);
        Whole("model.depth", model.Depth, 1, 1000);
        Whole("model.heads", model.Heads, 1, 4096);
        Whole("model.classes", model.Classes, 1, 1_000_000);
        Number("model.mlpRatio", model.MlpRatio, 0.01, 1024, "4 is usual");
        OneOf("model.channels", model.Channels.ToString(CultureInfo.InvariantCulture), "1", "3");
        Require(model.ImageSize % model.PatchSize == 0, $"model.imageSize is {model.ImageSize}; a multiple of model.patchSize {model.PatchSize} is expected.");
        Require(model.Dimension % model.Heads == 0, $"model.dimension is {model.Dimension}; a multiple of model.heads {model.Heads} is expected.");
    }

    private static void Check(AttentionSection attention)
    {
        OneOf("attention.kind", attention.Kind, "exact", "binary", "calibrated");
        OneOf("attention.weighting", attention.Weighting, "per-head", "none");
        OneOf("attention.bias", attention.Bias, "none", "relative");
        OneOf("attention.quantization", attention.Quantization, "full", "tiled", "training-parity");
        Require(attention.Kind != "exact" || attention.Quantization == "full", $"attention.quantization is \"{attention.Quantization}\" although attention.kind is \"exact\", which runs in float32. Leave it out, or train binary attention.");
        Require(attention.Kind != "calibrated" || attention.Bias == "none", $"attention.bias is \"{attention.Bias}\"; calibrated attention has none. Leave it out.");
    }

    private static void Check(DataSection data, TrainingConfiguration configuration)
    {
        OneOf("data.format", data.Format, "idx", "archive", "folder");
        Path("data.images", data.Images, "the pictures");
        Require(data.Format != "idx" || data.Labels is not null, "data.labels is missing; the IDX file with the labels of data.images is expected.");
        Require(data.Format != "archive" || data.Labels is null, "data.labels is given, but an archive names its classes by folders. Leave it out.");
        bool hasLabels = HasLabels(data);
        Require(hasLabels || configuration.Loss.Teacher is not null, $"{(data.Train.Images is null ? "data" : "data.train")}.labels is missing; photographs without labels need a teacher (loss.teacher) to learn from.");
        Require(hasLabels || (configuration.Loss.Distillation != "none" && configuration.Loss.DistillationShare == 1), $"loss.distillation is \"{configuration.Loss.Distillation}\" with loss.distillationShare {Text(configuration.Loss.DistillationShare)}; without labels (data.labels) \"soft\" or \"hard\" with a share of 1 is expected.");
        Whole("data.workers", data.Workers, 0, 256);
        foreach ((string name, DataSplit? split) in ((string, DataSplit?)[])[("train", data.Train), ("select", data.Select), ("test", data.Test)])
        {
            Whole($"data.{name}.first", split?.First ?? 0, 0, int.MaxValue);
            Whole($"data.{name}.count", split?.Count ?? 0, 0, int.MaxValue);
            Require(split?.Images is not null || split?.Labels is null, $"data.{name}.labels is given without data.{name}.images. Give both, or neither.");
        }

        foreach ((string name, float[]? levels) in ((string, float[]?)[])[("mean", data.Mean), ("deviation", data.Deviation)])
        {
            Require(levels is null || levels.Length is 1 or 3, $"data.{name} has {levels?.Length} numbers; one for each channel of the pictures, 1 or 3, is expected.");
            foreach (float level in levels ?? [])
            {
                Number($"data.{name}", level, name == "mean" ? 0 : 1e-6, 1e6, "units of 0..1, such as 0.5");
            }
        }
    }

    private static void Check(AugmentationSection augmentation)
    {
        Pair("augmentation.resizedCrop", augmentation.ResizedCrop, 1e-4, 1);
        Pair("augmentation.cropRatio", augmentation.CropRatio, 0.01, 100);
        Number("augmentation.rotation", augmentation.Rotation, 0, 180, "degrees");
        Number("augmentation.zoom", augmentation.Zoom, 0, 0.9, "0.1 is a tenth");
        Number("augmentation.shear", augmentation.Shear, 0, 2, "columns per row");
        Whole("augmentation.cropPadding", augmentation.CropPadding, 0, 4096);
        Number("augmentation.flip", augmentation.Flip, 0, 1, "a probability");
        Whole("augmentation.randAugment", augmentation.RandAugment, 0, 100);
        Number("augmentation.randAugmentMagnitude", augmentation.RandAugmentMagnitude, 0, 10, "9 is usual");
        Number("augmentation.randAugmentDeviation", augmentation.RandAugmentDeviation, 0, 10, "0.5 is usual");
        Number("augmentation.colourJitter", augmentation.ColourJitter, 0, 1, "0.3 is usual");
        Number("augmentation.erasing", augmentation.Erasing, 0, 1, "a probability");
        Number("augmentation.mixup", augmentation.Mixup, 0, 100, "0.8 is usual");
        Number("augmentation.cutMix", augmentation.CutMix, 0, 100, "1 is usual");
        Whole("augmentation.repeats", augmentation.Repeats, 1, 100);
    }

    private static void Check(OptimizerSection optimizer)
    {
        OneOf("optimizer.kind", optimizer.Kind, "adamw", "adam", "sgd");
        Number("optimizer.learningRate", optimizer.LearningRate, double.Epsilon, 1000, "above 0, such as 1e-3");
        Number("optimizer.weightDecay", optimizer.WeightDecay, 0, 100, "0.05 is usual");
        Number("optimizer.momentum", optimizer.Momentum, 0, 0.999999, "0.9 is usual");
        Number("optimizer.secondMomentum", optimizer.SecondMomentum, 0, 0.999999999, "0.999 is usual");
        Number("optimizer.epsilon", optimizer.Epsilon, 1e-30, 1, "1e-8 is usual");
        Number("optimizer.clipNorm", optimizer.ClipNorm, 0, 1e9, "0 does not clip");
    }

    private static void Check(ScheduleSection schedule, OptimizerSection optimizer, int epochs)
    {
        OneOf("schedule.kind", schedule.Kind, "cosine", "step", "constant");
        Number("schedule.warmUpEpochs", schedule.WarmUpEpochs, 0, epochs, "at most the run's epochs");
        Number("schedule.warmUpLearningRate", schedule.WarmUpLearningRate, 0, optimizer.LearningRate, "at most optimizer.learningRate");
        Number("schedule.stepEpochs", schedule.StepEpochs, 1e-6, 1e9, "above 0");
        Number("schedule.stepFactor", schedule.StepFactor, 0, 1, "0.1 is usual");
        if (schedule.Kind == "cosine")
        {
            Number("schedule.minimumLearningRate", schedule.MinimumLearningRate, 0, optimizer.LearningRate, "at most optimizer.learningRate");
        }
    }

    private static void Check(LossSection loss, TrainingConfiguration configuration)
    {
        Number("loss.labelSmoothing", loss.LabelSmoothing, 0, 0.999, "0.1 is usual");
        OneOf("loss.distillation", loss.Distillation, "none", "hard", "soft");
        Number("loss.distillationShare", loss.DistillationShare, 0, 1, "the teacher's share");
        Number("loss.temperature", loss.Temperature, 1e-3, 1000, "1 to 5 is usual");
        Number("loss.attentionWeight", loss.AttentionWeight, 0, 1e6, "0 leaves the maps alone");
        Whole("loss.teacherHeads", loss.TeacherHeads, 0, 4096);
        Require(loss.Teacher is not null || (loss.Distillation == "none" && loss.AttentionWeight == 0), "loss.teacher is missing; the checkpoint of the teacher to distil from is expected, or loss.distillation \"none\" and loss.attentionWeight 0.");
        Require(loss.Teacher is null || loss.Distillation != "none" || loss.AttentionWeight > 0, "loss.teacher is given, but nothing is learned from it. Set loss.distillation or loss.attentionWeight, or leave it out.");
        Require(HasLabels(configuration.Data) || loss.LabelSmoothing == 0, "loss.labelSmoothing is given, but there are no labels. Leave it out.");
    }

    // Of the pictures that are trained on: IDX files and archives always have them.
    private static bool HasLabels(DataSection data) => data.Format != "folder" || (data.Train.Images is null ? data.Labels : data.Train.Labels) is not null;

    private static void Pair(string name, double[]? values, double least, double most)
    {
        if (values is not null)
        {
            Require(values.Length == 2 && values[0] >= least && values[1] <= most && values[0] <= values[1], $"{name} is [{string.Join(", ", values.Select(Text))}]; [smallest, largest] between {Text(least)} and {Text(most)} is expected.");
        }
    }

    private static void Path(string name, string? path, string meaning) => Require(!string.IsNullOrWhiteSpace(path), $"{name} is missing; a path is expected: {meaning}.");

    private static void Whole(string name, long value, long least, long most) =>
        Require(value >= least && value <= most, $"{name} is {value}; a whole number of {least} to {most} is expected.");

    private static void Number(string name, double value, double least, double most, string hint) =>
        Require(value >= least && value <= most, $"{name} is {Text(value)}; a number from {(least == double.Epsilon ? "just above 0" : Text(least))} to {Text(most)} is expected ({hint}).");

    private static void OneOf(string name, string? value, params string[] values) =>
        Require(values.Contains(value, StringComparer.Ordinal), $"{name} is \"{value}\"; one of {string.Join(", ", values)} is expected.");

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static void Require(bool isMet, string problem)
    {
        if (!isMet)
        {
            throw new ArgumentException(problem);
        }
    }
}
