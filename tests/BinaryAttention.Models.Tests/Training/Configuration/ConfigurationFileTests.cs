using BinaryAttention.Formats;
using BinaryAttention.Models.Training.Configuration;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Configuration;

public sealed class ConfigurationFileTests
{
    private const string Minimal = """{ "model": { "heads": 4 }, "data": { "images": "i", "labels": "l" }, "output": "out" }""";

    [Fact]
    public void Defaults_HoldForWhatIsLeftOut()
    {
        TrainingConfiguration read = Read(Minimal);
        Assert.Equal((10, 64, 1e-3, 4, "cosine", 1), (read.Epochs, read.Batch, read.Optimizer.LearningRate, read.Model.Depth, read.Schedule.Kind, read.Data.Workers));
        Assert.Null(read.Data.Select);
    }

    [Fact]
    public void Comments_AndTrailingCommasAreRead() => Assert.Equal(3, Read(Minimal.Replace("\"output\"", "/* three */ \"epochs\": 3, // enough\n \"output\"", StringComparison.Ordinal).Replace("\"out\" }", "\"out\", }", StringComparison.Ordinal)).Epochs);

    [Fact]
    public void Paths_StartAtTheFolder()
    {
        TrainingConfiguration read = Read(Minimal);
        Assert.Equal(Path.GetFullPath(Path.Combine(Path.GetTempPath(), "i")), read.Data.Images);
        Assert.Null(read.Model.Checkpoint);
    }

    [Fact]
    public void Text_IsReadBackAsTheSame()
    {
        TrainingConfiguration read = Read(Minimal, "data.select.count=7", "augmentation.resizedCrop=[0.1,1]");
        TrainingConfiguration again = Read(ConfigurationFile.Text(read));
        Assert.Equal(ConfigurationFile.Text(read), ConfigurationFile.Text(again));
        Assert.Equal(7, again.Data.Select!.Count);
    }

    [Fact]
    public void Changes_AreNumbersOrText()
    {
        TrainingConfiguration read = Read(Minimal, "attention.kind=binary", "optimizer.learningRate=2e-4", "seed=5");
        Assert.Equal(("binary", 2e-4, 5), (read.Attention.Kind, read.Optimizer.LearningRate, read.Seed));
        Assert.Contains("has no value", Assert.Throws<ArgumentException>(() => Read(Minimal, "seed")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("optimizer.learningrate=1", "optimizer has no member \"learningrate\". Did you mean learningRate?")]
    [InlineData("epoch=1", "the configuration has no member \"epoch\". Did you mean epochs?")]
    [InlineData("data.train.zzzzzzzz=1", "data.train has no member \"zzzzzzzz\". There are images, labels, first, count.")]
    public void UnknownMembers_AreRefusedWithTheNearest(string change, string message) =>
        Assert.Contains(message, Assert.Throws<FileFormatException>(() => Read(Minimal, change)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("optimizer.learningRate=-1", "optimizer.learningRate is -1; a number from just above 0")]
    [InlineData("optimizer.kind=adamm", "optimizer.kind is \"adamm\"; one of adamw, adam, sgd is expected.")]
    [InlineData("model.patchSize=5", "model.imageSize is 28; a multiple of model.patchSize 5 is expected.")]
    [InlineData("model.heads=3", "model.dimension is 128; a multiple of model.heads 3 is expected.")]
    [InlineData("model.heads=0", "model.heads is 0; a whole number of 1 to 4096")]
    [InlineData("epochs=0", "epochs is 0; a whole number of 1")]
    [InlineData("attention.quantization=tiled", "attention.kind is \"exact\"")]
    [InlineData("loss.distillation=hard", "loss.teacher is missing")]
    [InlineData("loss.teacher=t", "nothing is learned from it")]
    [InlineData("augmentation.resizedCrop=[1]", "augmentation.resizedCrop is [1]; [smallest, largest]")]
    [InlineData("ema=1", "ema is 1; a number from 0")]
    [InlineData("schedule.warmUpEpochs=11", "schedule.warmUpEpochs is 11; a number from 0 to 10")]
    [InlineData("data.format=folder", null)]
    [InlineData("output=", "output is missing")]
    public void Values_AreChecked(string change, string? message)
    {
        if (message is null)
        {
            Assert.NotNull(Read(Minimal, change));
            return;
        }

        Assert.Contains(message, Assert.Throws<ArgumentException>(() => Read(Minimal, change)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "data.labels is missing; photographs", "data.labels=null")]
    [InlineData(null, "data.train.labels is missing; photographs", "data.labels=l.csv", "data.train.images=others")]
    [InlineData("ok", "", "data.labels=l.csv")]
    [InlineData("ok", "", "data.labels=null", "data.train.images=others", "data.train.labels=l.csv")]
    public void Photographs_WithoutLabelsNeedATeacher(string? outcome, string message, params string[] changes)
    {
        string[] all = ["data.format=folder", .. changes];
        if (outcome is not null)
        {
            Assert.NotNull(Read(Minimal, all));
            return;
        }

        Assert.Contains(message, Assert.Throws<ArgumentException>(() => Read(Minimal, all)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{ \"epochs\": \"many\" }")]
    [InlineData("{ \"epochs\": 1.5 }")]
    [InlineData("{ \"model\": null }")]
    [InlineData("{ \"model\": 3 }")]
    [InlineData("{ \"epochs\": 1, \"epochs\": 2 }")]
    public void Nonsense_IsAFormatError(string json) => Assert.Throws<FileFormatException>(() => Read(json));

    private static TrainingConfiguration Read(string json, params string[] changes) => ConfigurationFile.Parse(json, "test.json", Path.GetTempPath(), changes);
}
