// The precision of the linear layers as an option of a model, and what a model costs in memory.
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class LinearPrecisionTests
{
    private static readonly VisionTransformerConfiguration Small = new() { ImageHeight = 12, ImageWidth = 20, PatchSize = 4, Width = 24, Depth = 3, HeadCount = 2, MlpRatio = 2.5, ClassCount = 7 };

    [Theory]
    [InlineData(MlpActivation.Gelu)]
    [InlineData(MlpActivation.Relu)]
    public void EightBit_IsCloseToFloat_AndHasTheSameBits_AtAnyThreadCount_InAnyBatch(MlpActivation activation)
    {
        VisionTransformerConfiguration configuration = Small with { Activation = activation };
        VisionTransformer exact = VisionTransformer.Load(new RandomWeights(configuration), configuration, new VisionTransformerOptions { MaxDegreeOfParallelism = 1 });
        VisionTransformer model = exact.With(exact.Options with { LinearPrecision = LinearPrecision.EightBit });
        float[] images = RandomValues.Uniform(1, 11 * model.ImageLength);
        float[] expected = exact.Forward(images), logits = model.Forward(images);
        double error = 0, norm = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            error += Math.Pow(logits[i] - expected[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        Assert.InRange(Math.Sqrt(error / norm), 1e-6, 0.05);
        Assert.Equal(logits, model.With(model.Options with { MaxDegreeOfParallelism = 2 }).Forward(images));
        Assert.Equal(logits, model.With(model.Options with { MaxDegreeOfParallelism = 3 }).Forward(images));
        Assert.Equal(logits[^7..], model.Forward(images.AsSpan(10 * model.ImageLength)));
        Assert.Equal(expected, exact.Forward(images));
    }

    [Fact]
    public void EightBit_KeepsTheTopClasses_OfDeitTiny()
    {
        string data = Path.Combine(AppContext.BaseDirectory, "Data");
        VisionTransformer exact = VisionTransformer.Load(Path.Combine(data, "deit_tiny_patch16_224.f16.safetensors"));
        VisionTransformer model = exact.With(exact.Options with { LinearPrecision = LinearPrecision.EightBit });
        float[] images = [.. Directory.GetFiles(data).Where(static path => path.EndsWith(".png", StringComparison.Ordinal) || path.EndsWith(".jpg", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .SelectMany(static path => ImagePreprocessing.DeiT.Apply(ImageDecoder.DecodeFile(path)))];
        float[] expected = exact.Forward(images), logits = model.Forward(images);
        Assert.Equal(1, Accuracy.Agreement(expected, logits, 1000));
        Assert.InRange(LogitDivergence.Mean(expected, logits, 1000), 0, 0.005);
    }

    [Fact]
    public void UnknownPrecision_IsRefused()
    {
        var options = new VisionTransformerOptions { LinearPrecision = (LinearPrecision)7 };
        Assert.Throws<ArgumentOutOfRangeException>(() => VisionTransformer.Load(new RandomWeights(Small), Small, options));
    }

    [Fact]
    public void EightBit_SpreadsNaN_WithinItsImage()
    {
        VisionTransformer model = VisionTransformer.Load(new RandomWeights(Small), Small, new VisionTransformerOptions { LinearPrecision = LinearPrecision.EightBit });
        float[] images = RandomValues.Uniform(2, 2 * model.ImageLength);
        images[5] = float.NaN;
        float[] logits = model.Forward(images);
        Assert.All(logits[..7], static logit => Assert.True(float.IsNaN(logit)));
        Assert.All(logits[7..], static logit => Assert.True(float.IsFinite(logit)));
    }

    [Theory]
    [InlineData(LinearPrecision.Float32, 1)]
    [InlineData(LinearPrecision.Float32, 2)]
    [InlineData(LinearPrecision.EightBit, 1)]
    [InlineData(LinearPrecision.EightBit, 2)]
    public void Forward_AllocatesNothing_AfterTheFirstCalls(LinearPrecision precision, int threads)
    {
        foreach (AttentionChoice attention in new[] { AttentionChoice.Exact, AttentionChoice.All(LayerAttention.OneBit(ValueQuantization.Tiled)) })
        {
            var options = new VisionTransformerOptions { LinearPrecision = precision, Attention = attention, MaxDegreeOfParallelism = threads };
            VisionTransformer model = VisionTransformer.Load(new RandomWeights(Small), Small, options);
            float[] images = RandomValues.Uniform(3, 2 * model.ImageLength), logits = new float[2 * 7];
            for (int run = 0; run < 5; run++)
            {
                model.Forward(images, logits);
            }

            // The caller's thread alone: other tests run beside this one. What a pass allocates it allocates in every round; a worker that gets its first tile late takes memory once.
            long least = long.MaxValue;
            for (int round = 0; round < 5 && least > 0; round++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int run = 0; run < 10; run++)
                {
                    model.Forward(images, logits);
                }

                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.InRange(least, 0, 1000);
        }
    }

    // 4,097 tokens: one matrix of tokens by tokens would be 67 MB.
    [Theory]
    [InlineData(LinearPrecision.Float32)]
    [InlineData(LinearPrecision.EightBit)]
    public void LargeImages_NeedMemoryByTokens_NotByPairs(LinearPrecision precision)
    {
        var configuration = new VisionTransformerConfiguration { Width = 16, Depth = 2, HeadCount = 2, ClassCount = 3 };
        foreach (AttentionChoice attention in new[] { AttentionChoice.Exact, AttentionChoice.All(LayerAttention.OneBit(ValueQuantization.Tiled)) })
        {
            var options = new VisionTransformerOptions { LinearPrecision = precision, Attention = attention, ImageHeight = 1024, ImageWidth = 1024, MaxDegreeOfParallelism = 1 };
            VisionTransformer model = VisionTransformer.Load(new RandomWeights(configuration), configuration, options);
            Assert.Equal(4097, model.Configuration.TokenCount);
            float[] image = RandomValues.Uniform(4, model.ImageLength), logits = new float[3];
            long before = GC.GetAllocatedBytesForCurrentThread();
            model.Forward(image, logits);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 5_000_000);
            Assert.All(logits, static logit => Assert.True(float.IsFinite(logit)));
        }
    }

    [Fact]
    public void ShortLogits_AreRefused()
    {
        VisionTransformer model = VisionTransformer.Load(new RandomWeights(Small), Small);
        Assert.Throws<ArgumentException>("logits", () => model.Forward(new float[2 * model.ImageLength], new float[13]));
    }
}
