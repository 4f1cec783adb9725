using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Training.Networks;
using BinaryAttention.Models.Training.Runs;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Runs;

public sealed class TrainingStepTests
{
    [Fact]
    public void BothHeads_LearnWithoutATeacher()
    {
        var sizes = new VisionTransformerConfiguration { ImageHeight = 8, ImageWidth = 8, PatchSize = 4, ChannelCount = 1, Width = 16, Depth = 1, HeadCount = 2, ClassCount = 3, HasDistillationToken = true };
        var network = new TrainableVisionTransformer(sizes, new TrainableVisionTransformerOptions { Randomness = new Randomness(2) });
        var step = new TrainingStep(new TrainingConfiguration(), network, teacher: null, new Workspace(1));
        (double loss, _) = step.Accumulate(new TrainingBatch(0, RandomValues.Uniform(1, 2 * network.ImageLength), [0, 2], [1, 0, 0, 0, 0, 1]));
        Assert.True(double.IsFinite(loss));
        foreach (string head in (string[])["head.weight", "head_dist.weight"])
        {
            Assert.Contains(network.Parameters.Find(head)!.Gradient.ToArray(), static value => value != 0);
        }
    }
}
