using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Training.Data.Augmentation;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Data;

public sealed class BatchLoaderTests
{
    private static readonly AugmentationOptions Everything = new()
    {
        ResizedCrop = true, CropPadding = 2, Rotation = 10, Zoom = 0.1, Shear = 0.1, Flip = 0.5, ColourJitter = 0.3, RandAugmentOperations = 2, Erasing = 0.25, Mixup = 0.8, CutMix = 1, Repeats = 2,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Batches_HaveTheSameBitsAtAnyNumberOfWorkers(int workers)
    {
        BatchMaker maker = Maker(Everything);
        List<TrainingBatch> expected = Read(maker, 0, 0, 9), actual = Read(Maker(Everything), workers, 0, 9);
        Assert.Equal(expected.Select(static batch => batch.Number), actual.Select(static batch => batch.Number));
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].Images, actual[i].Images);
            Assert.Equal(expected[i].Labels, actual[i].Labels);
            Assert.Equal(expected[i].Targets, actual[i].Targets);
        }
    }

    [Fact]
    public void Batches_FromTheMiddleAreThoseOfTheWholeRun()
    {
        List<TrainingBatch> whole = Read(Maker(Everything), 2, 0, 9), late = Read(Maker(Everything), 2, 6, 9);
        Assert.Equal(whole[6].Images, late[0].Images);
        Assert.Equal(whole[8].Targets, late[2].Targets);
    }

    [Fact]
    public void Epochs_HoldEveryPictureOnce_InAnotherOrder()
    {
        var plan = new BatchPlan(new Randomness(1), 20, 5, 1);
        int[] first = [.. Enumerable.Range(0, 20).Select(i => plan.At(i / 5, i % 5).Sample)], second = [.. Enumerable.Range(0, 20).Select(i => plan.At(4 + (i / 5), i % 5).Sample)];
        Assert.Equal(Enumerable.Range(0, 20), first.Order());
        Assert.Equal(Enumerable.Range(0, 20), second.Order());
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void Repeats_BringAPictureSeveralTimes_DifferentlyAugmented()
    {
        var options = new AugmentationOptions { Rotation = 30, Repeats = 3 };
        var plan = new BatchPlan(new Randomness(1), 20, 6, 3);
        Assert.Equal(plan.At(0, 0).Sample, plan.At(0, 2).Sample);
        Assert.NotEqual(plan.At(0, 0).Sample, plan.At(0, 3).Sample);
        TrainingBatch batch = Maker(options).Make(0);
        int length = batch.Images.Length / batch.Labels.Length;
        Assert.NotEqual(batch.Images[..length], batch.Images[length..(2 * length)]);
    }

    [Fact]
    public void Targets_AreSmoothed()
    {
        TrainingBatch batch = Maker(new AugmentationOptions()).Make(0);
        Assert.Equal(0.91f, batch.Targets[batch.Labels[0]], 5);
        Assert.Equal(1, batch.Targets[..10].Sum(), 5);
    }

    [Fact]
    public void Failure_ComesOutWhereItsBatchWouldHave()
    {
        var broken = new MemoryImageSet("broken", [Pictures.Random(1, 8, 8, 3), Pictures.Random(1, 8, 8, 1), Pictures.Random(1, 8, 8, 1), Pictures.Random(1, 8, 8, 1)], null);
        var pipeline = new ImagePipeline(8, 1, [0.5f], [0.5f], new AugmentationOptions());
        var maker = new BatchMaker(broken, pipeline, new BatchPlan(new Randomness(1), 4, 4, 1), new AugmentationOptions(), new Randomness(1), 10, 0);
        using var loader = new BatchLoader(maker, 0, 3, 2);
        Assert.Contains("8 x 8 pixels of 3 channels", Assert.Throws<ArgumentException>(() => loader.Next(CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Measure_ReadsDigitsAsEvaluateDoes()
    {
        var pipeline = new ImagePipeline(2, 1, [0.1307f], [0.3081f], new AugmentationOptions());
        var values = new float[4];
        pipeline.Measure(Pictures.Grey(2, 0, 1, 128, 255), values);
        Assert.Equal([(0 - 0.1307f) / 0.3081f, ((1 / 255f) - 0.1307f) / 0.3081f, ((128 / 255f) - 0.1307f) / 0.3081f, (1 - 0.1307f) / 0.3081f], values);
    }

    private static BatchMaker Maker(AugmentationOptions options)
    {
        MemoryImageSet images = Pictures.Set(20, 12, 3);
        var pipeline = new ImagePipeline(12, 3, [0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f], options);
        var randomness = new Randomness(7);
        return new BatchMaker(images, pipeline, new BatchPlan(randomness, 20, 6, options.Repeats), options, randomness, 10, 0.1);
    }

    private static List<TrainingBatch> Read(BatchMaker maker, int workers, long first, long afterLast)
    {
        using var loader = new BatchLoader(maker, first, afterLast, workers);
        var batches = new List<TrainingBatch>();
        for (long i = first; i < afterLast; i++)
        {
            batches.Add(loader.Next(CancellationToken.None));
        }

        return batches;
    }
}
