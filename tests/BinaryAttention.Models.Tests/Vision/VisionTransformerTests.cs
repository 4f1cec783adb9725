using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class VisionTransformerTests
{
    private static readonly VisionTransformerConfiguration Small = new() { ImageHeight = 12, ImageWidth = 20, PatchSize = 4, Width = 24, Depth = 3, HeadCount = 2, MlpRatio = 2.5, ClassCount = 7 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Exact_Matches_PlainDouble(bool distilled)
    {
        VisionTransformerConfiguration configuration = Small with { HasDistillationToken = distilled };
        var weights = new RandomWeights(configuration);
        VisionTransformer model = VisionTransformer.Load(weights, configuration);
        float[] image = RandomValues.Uniform(1, model.ImageLength);
        double[] expected = new PlainVisionTransformer(weights, configuration).Forward(image);
        float[] logits = model.Forward(image);
        Assert.Equal(7, logits.Length);
        for (int i = 0; i < logits.Length; i++)
        {
            Assert.Equal(expected[i], logits[i], 2e-5);
        }
    }

    [Fact]
    public void SameBits_AtAnyThreadCount_InAnyBatch_AndAgain()
    {
        VisionTransformerConfiguration configuration = Small with { HasRelativePositionBias = true };
        var weights = new RandomWeights(configuration);
        foreach (LayerAttention attention in new[] { LayerAttention.Exact, LayerAttention.OneBit(ValueQuantization.Tiled), LayerAttention.OneBit(ValueQuantization.TrainingParity), LayerAttention.OneBit(ValueQuantization.Full) })
        {
            var options = new VisionTransformerOptions { Attention = AttentionChoice.All(attention), MaxDegreeOfParallelism = 1 };
            VisionTransformer model = VisionTransformer.Load(weights, configuration, options);

            // More than one pass, the last one not full.
            float[] images = RandomValues.Uniform(2, 19 * model.ImageLength);
            float[] one = model.Forward(images);
            Assert.Equal(one, model.Forward(images));
            Assert.Equal(one, model.With(options with { MaxDegreeOfParallelism = 2 }).Forward(images));
            Assert.Equal(one, model.With(options with { MaxDegreeOfParallelism = 3 }).Forward(images));
            Assert.Equal(one[^7..], model.Forward(images.AsSpan(18 * model.ImageLength)));
        }
    }

    [Fact]
    public void MoreLogitsThanAnArrayHolds_AreRefusedBeforeTheWork()
    {
        var configuration = new VisionTransformerConfiguration { ImageHeight = 1, ImageWidth = 1, PatchSize = 1, ChannelCount = 1, Width = 4, Depth = 1, HeadCount = 1, MlpRatio = 1, ClassCount = 50_000 };
        VisionTransformer model = VisionTransformer.Load(new RandomWeights(configuration), configuration);
        ArgumentException problem = Assert.Throws<ArgumentException>(() => model.Forward(new float[90_000]));
        Assert.Contains("90000 images", problem.Message, StringComparison.Ordinal);
    }

    // 65536 x 65536 patches: 2^32, which is 0 in 32 bits.
    [Theory]
    [InlineData(1 << 20)]
    [InlineData(3_200_000)]
    public void ImagesOfAbsurdSize_AreRefused(int side)
    {
        var configuration = new VisionTransformerConfiguration { ImageHeight = side, ImageWidth = side };
        Assert.Contains("tokens of Width 192 do not fit", Assert.Throws<ArgumentException>(configuration.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConcurrentCalls_DoNotDisturbEachOther()
    {
        VisionTransformer model = VisionTransformer.Load(new RandomWeights(Small), Small);
        float[][] images = [.. Enumerable.Range(0, 8).Select(seed => RandomValues.Uniform(seed, (1 + (seed % 3)) * model.ImageLength))];
        float[][] expected = [.. images.Select(image => model.Forward(image))];
        float[][] results = await Task.WhenAll(images.Select(image => Task.Run(() => model.Forward(image))));
        Assert.Equal(expected, results);
    }

    [Fact]
    public void Features_AndHiddenStates_LeadToTheLogits()
    {
        var weights = new RandomWeights(Small);
        VisionTransformer model = VisionTransformer.Load(weights, Small);
        float[] image = RandomValues.Uniform(3, 2 * model.ImageLength);
        float[] features = model.ForwardFeatures(image), logits = model.Forward(image);
        Assert.Equal(2 * Small.TokenCount * Small.Width, features.Length);
        double[] head = weights.ReadDoubles("head.weight"), bias = weights.ReadDoubles("head.bias");
        for (int i = 0; i < logits.Length; i++)
        {
            double sum = bias[i % 7];
            for (int k = 0; k < Small.Width; k++)
            {
                sum += features[(i / 7 * Small.TokenCount * Small.Width) + k] * head[(i % 7 * Small.Width) + k];
            }

            Assert.Equal(sum, logits[i], 1e-5);
        }

        Assert.Equal(features.Length, model.ForwardHiddenState(image, 2).Length);
        Assert.NotEqual(model.ForwardHiddenState(image, 1), model.ForwardHiddenState(image, 2));
        Assert.Throws<ArgumentOutOfRangeException>("block", () => model.ForwardHiddenState(image, 3));
    }

    [Fact]
    public void AttentionPerLayer_ChangesThatLayerOnly()
    {
        VisionTransformer exact = VisionTransformer.Load(new RandomWeights(Small), Small);
        VisionTransformer mixed = exact.With(new VisionTransformerOptions { Attention = AttentionChoice.PerLayer([LayerAttention.Exact, LayerAttention.OneBit(ValueQuantization.Full), LayerAttention.Exact]) });
        float[] image = RandomValues.Uniform(4, exact.ImageLength);
        Assert.Equal(exact.ForwardHiddenState(image, 0), mixed.ForwardHiddenState(image, 0));
        Assert.NotEqual(exact.ForwardHiddenState(image, 1), mixed.ForwardHiddenState(image, 1));
        Assert.Contains("3", Assert.Throws<ArgumentException>(() => exact.With(new VisionTransformerOptions { Attention = AttentionChoice.PerLayer([LayerAttention.Exact]) })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RelativeBias_IsUsedUnlessRefused()
    {
        VisionTransformerConfiguration configuration = Small with { HasRelativePositionBias = true };
        VisionTransformer model = VisionTransformer.Load(new RandomWeights(configuration), configuration);
        VisionTransformer without = model.With(new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.Exact with { UseRelativeBias = false }) });
        float[] image = RandomValues.Uniform(5, model.ImageLength);
        Assert.NotEqual(model.Forward(image), without.Forward(image));
    }

    [Fact]
    public void OtherImageSizes_ResizePositions_ButNotRelativeTablesOfOddGrids()
    {
        VisionTransformerConfiguration square = Small with { ImageHeight = 16, ImageWidth = 16, HasRelativePositionBias = true };
        VisionTransformer model = VisionTransformer.Load(new RandomWeights(square), square);
        VisionTransformer larger = model.With(new VisionTransformerOptions { ImageHeight = 24, ImageWidth = 24, PositionResize = PositionResize.Bilinear });
        Assert.Equal(37, larger.Configuration.TokenCount);
        Assert.All(larger.Forward(RandomValues.Uniform(6, larger.ImageLength)), static value => Assert.True(float.IsFinite(value)));
        var oblong = new VisionTransformerOptions { ImageHeight = 24, ImageWidth = 8 };
        Assert.Contains("UseRelativeBias", Assert.Throws<NotSupportedException>(() => model.With(oblong)).Message, StringComparison.Ordinal);
        VisionTransformer plain = model.With(oblong with { Attention = AttentionChoice.All(LayerAttention.Exact with { UseRelativeBias = false }) });
        Assert.Equal(7, plain.Forward(RandomValues.Uniform(7, plain.ImageLength)).Length);
        Assert.Contains("PatchSize", Assert.Throws<ArgumentException>(() => model.With(new VisionTransformerOptions { ImageHeight = 23 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rejects_OddImageLengths_AndCancelledCalls_AndSpreadsNaN()
    {
        VisionTransformer model = VisionTransformer.Load(new RandomWeights(Small), Small);
        Assert.Throws<ArgumentException>("images", () => model.Forward([]));
        Assert.Throws<ArgumentException>("images", () => model.Forward(new float[model.ImageLength + 1]));
        Assert.ThrowsAny<OperationCanceledException>(() => model.Forward(new float[model.ImageLength], new CancellationToken(canceled: true)));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.With(new VisionTransformerOptions { MaxDegreeOfParallelism = 0 }));
        float[] images = RandomValues.Uniform(8, 2 * model.ImageLength);
        images[5] = float.NaN;
        float[] logits = model.Forward(images);
        Assert.All(logits[..7], static value => Assert.True(float.IsNaN(value)));
        Assert.All(logits[7..], static value => Assert.True(float.IsFinite(value)));
    }
}
