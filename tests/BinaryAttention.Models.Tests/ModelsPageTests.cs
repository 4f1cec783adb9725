// The examples of docs/models.md compile: they are those below, line for line.
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Vision;
using TestKit;
using Xunit;

namespace BinaryAttention.Models.Tests;

public sealed class ModelsPageTests
{
    private const string Source = "tests/BinaryAttention.Models.Tests/ModelsPageTests.cs";

    [Fact]
    public void Examples_AreThoseThatAreCompiledHere()
    {
        string[] page = File.ReadAllLines(RepositoryFolder.PathOf("docs/models.md"));
        string[] here = [.. File.ReadAllLines(RepositoryFolder.PathOf(Source)).Select(line => line.Trim())];
        int examples = 0;
        for (int start = Array.IndexOf(page, "```csharp") + 1; start > 0; start = Array.IndexOf(page, "```csharp", start) + 1)
        {
            string[] example = [.. page[start..Array.IndexOf(page, "```", start)].Where(line => line.Length > 0 && !line.StartsWith("using ", StringComparison.Ordinal)).Select(line => line.Trim())];
            int first = Array.IndexOf(here, example[0]);
            Assert.True(first >= 0, $"{Source} has no line \"{example[0]}\"; change both together.");
            Assert.Equal(example, here[first..].Where(line => line.Length > 0).Take(example.Length), StringComparer.Ordinal);
            examples++;
        }

        Assert.Equal(3, examples);
    }

    internal static void Example()
    {
        VisionTransformer exact = VisionTransformer.Load("samples/models/deit_tiny_patch16_224.f16.safetensors");
        VisionTransformer oneBit = exact.With(exact.Options with { Attention = AttentionChoice.All(LayerAttention.OneBit(ValueQuantization.Tiled)) });

        float[] pixels = ImagePreprocessing.DeiT.Apply(ImageDecoder.DecodeFile("samples/photos/chelsea.png"));
        foreach (ClassScore score in Classification.TopK(oneBit.Forward(pixels), 5))
        {
            Console.WriteLine($"{ImageNetClasses.Name(score.ClassIndex)} {score.Probability:P1}");
        }
    }

    internal static void CheckpointExample()
    {
        VisionTransformer model = VisionTransformer.Load("samples/models/vit_mnist.pt", checkpoint: new CheckpointOptions { Activation = MlpActivation.Relu });
        var digits = LabelledIdxImages.Open("samples/digits/images.idx3.gz", "samples/digits/labels.idx1.gz");
        Console.WriteLine($"{Classification.TopK(model.Forward(digits.Normalized(0)), 1)[0].ClassIndex}, labelled {digits.Label(0)}");
    }

    internal static void LinearExample(VisionTransformer exact, float[] pixels)
    {
        VisionTransformer fast = exact.With(exact.Options with { LinearPrecision = LinearPrecision.EightBit });

        Console.WriteLine(Classification.TopK(fast.Forward(pixels), 1)[0].ClassIndex);
    }
}
