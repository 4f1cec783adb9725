using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Data.Augmentation;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Data;

public sealed class BatchMixingTests
{
    [Fact]
    public void Mixup_HasExactValues()
    {
        float[] images = [0, 4, 8, 8, 4, 0], targets = [1, 0, 1, 0, 0, 1];
        BatchMixing.Mixup(images, targets, 3, 0.75);
        Assert.Equal([1, 3, 8, 8, 3, 1], images);
        Assert.Equal([0.75f, 0.25f, 1, 0, 0.25f, 0.75f], targets);
    }

    [Fact]
    public void CutMix_ExchangesABoxAndItsShareOfTheTargets()
    {
        const int Side = 8;
        for (int seed = 0; seed < 50; seed++)
        {
            float[] images = [.. Enumerable.Repeat(0f, 2 * Side * Side), .. Enumerable.Repeat(1f, 2 * Side * Side)], targets = [1, 0, 0, 1];
            RandomStream random = new Randomness(seed).Stream("test");
            BatchMixing.CutMix(images, targets, 2, Side, Side, 0.5, ref random);
            int foreign = images[..(2 * Side * Side)].Count(static pixel => pixel == 1);
            Assert.Equal(foreign, images[(2 * Side * Side)..].Count(static pixel => pixel == 0));
            Assert.Equal(foreign / (2.0 * Side * Side), targets[1], 6);
            Assert.Equal(1, targets[0] + targets[1], 6);
            Assert.Equal(images[..(Side * Side)], images[(Side * Side)..(2 * Side * Side)]);
        }
    }
}
