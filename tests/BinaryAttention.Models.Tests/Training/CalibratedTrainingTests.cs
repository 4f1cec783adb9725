using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Evaluation;
using BinaryAttention.Models.Training.Losses;
using BinaryAttention.Models.Training.Networks;
using BinaryAttention.Models.Training.Optimizers;
using BinaryAttention.Models.Vision;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Models.Tests.Training;

public sealed class CalibratedTrainingTests
{
    [Fact]
    public void Codes_AreNotExported_WhereOtherAttentionWasTrained()
    {
        using var folder = new TemporaryFolder();
        var configuration = new VisionTransformerConfiguration
        {
            ImageHeight = 16, ImageWidth = 16, PatchSize = 4, ChannelCount = 1, Width = 24, Depth = 2, HeadCount = 3, ClassCount = 5,
            Calibration = new CalibratedForm { CodeLength = 16, Layers = [0, 1] },
        };
        var model = new TrainableVisionTransformer(configuration, new TrainableVisionTransformerOptions { Randomness = new Randomness(4) });
        ModelExport.Write(folder["model.safetensors"], model, "exact", 1);
        Assert.Null(VisionTransformer.Load(folder["model.safetensors"]).Configuration.Calibration);
    }

    [Theory]
    [InlineData(0, false, ValueQuantization.Full)]
    [InlineData(0, true, ValueQuantization.Tiled)]
    [InlineData(2, true, ValueQuantization.Full)]
    public void Codes_Learn_AndRunTheSame_AsModelForInference(int rank, bool hasExactRows, ValueQuantization quantization)
    {
        var configuration = new VisionTransformerConfiguration
        {
            ImageHeight = 16, ImageWidth = 16, PatchSize = 4, ChannelCount = 1, Width = 24, Depth = 2, HeadCount = 3, ClassCount = 5,
            Calibration = new CalibratedForm { CodeLength = 16, Rank = rank, HasExactSpecialRows = hasExactRows, Layers = [0, 1] },
        };
        var model = new TrainableVisionTransformer(configuration, new TrainableVisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.CalibratedWith(quantization)), Randomness = new Randomness(4) });
        float[] images = RandomValues.Uniform(1, 5 * model.ImageLength), before = model.Parameters.Find("one_bit.0.weight")!.Values.ToArray();
        var optimizer = new AdamW(model.Parameters);
        var workspace = new Workspace(2);
        List<float> losses = [];
        for (int step = 0; step < 30; step++)
        {
            model.Parameters.ZeroGradients();
            using var tape = new Tape(workspace);
            Variable loss = LossFunctions.CrossEntropy(model.Forward(tape, images), [0, 1, 2, 3, 4]);
            tape.Backward(loss);
            losses.Add(loss.Item);
            optimizer.Step(3e-3, workspace);
        }

        Assert.True(losses[^1] < 0.5 * losses[0], $"the loss went from {losses[0]} to {losses[^1]}");
        Assert.NotEqual(before, model.Parameters.Find("one_bit.0.weight")!.Values.ToArray());
        Assert.All(model.Parameters.Find("one_bit.0.temperature")!.Values.ToArray(), static value => Assert.Equal(1, value));
        using var evaluation = new Tape(workspace);
        using (evaluation.WithoutGradients())
        {
            float[] trained = model.Forward(evaluation, images).Values.ToArray(), run = model.ToInference().Forward(images);
            for (int i = 0; i < run.Length; i++)
            {
                Assert.Equal(run[i], trained[i], 5e-4f);
            }
        }
    }
}
