using BinaryAttention.Formats;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class CheckpointTests
{
    private static readonly VisionTransformerConfiguration Small = new() { ImageHeight = 16, ImageWidth = 16, PatchSize = 4, Width = 64, Depth = 2, HeadCount = 1, MlpRatio = 2, ClassCount = 5 };

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Reader_FindsTheConfiguration(bool distilled, bool relative)
    {
        VisionTransformerConfiguration configuration = Small with { HasDistillationToken = distilled, HasRelativePositionBias = relative, HeadCount = relative ? 4 : 1 };
        Assert.Equal(configuration, VisionTransformer.Load(new RandomWeights(configuration)).Configuration);
    }

    [Fact]
    public void Reader_TakesHeadsAndGridFromMetadata_OrAsksForThem()
    {
        VisionTransformerConfiguration odd = Small with { Width = 48, HeadCount = 3, ImageWidth = 24 };
        var weights = new RandomWeights(odd);
        Assert.Contains("ImageHeight", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message, StringComparison.Ordinal);
        weights.Remarks["image"] = "[16, 24]";
        Assert.Contains("HeadCount", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message, StringComparison.Ordinal);
        weights.Remarks["num_heads"] = "5";
        Assert.Contains("num_heads", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message, StringComparison.Ordinal);
        weights.Remarks["num_heads"] = "3";
        Assert.Equal(odd, VisionTransformer.Load(weights).Configuration);
    }

    [Fact]
    public void OneError_NamesEverythingThatDoesNotFit()
    {
        var weights = new RandomWeights(Small);
        weights.Tensors.Remove("norm.bias");
        weights.Tensors.Remove("blocks.1.attn.qkv.weight");
        weights.Add("blocks.0.norm2.weight", 63);
        weights.Add("optimizer.step", 1);
        string message = Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message;
        Assert.Contains("random.safetensors", message, StringComparison.Ordinal);
        Assert.Contains("missing norm.bias [64]", message, StringComparison.Ordinal);
        Assert.Contains("missing blocks.1.attn.qkv.weight [192, 64]", message, StringComparison.Ordinal);
        Assert.Contains("blocks.0.norm2.weight has shape [63], expected [64]", message, StringComparison.Ordinal);
        Assert.Contains("unexpected optimizer.step", message, StringComparison.Ordinal);
    }

    [Fact]
    public void LongLists_AreCutAtTwoHundred()
    {
        var weights = new RandomWeights(Small);
        for (int i = 0; i < 200; i++)
        {
            weights.Add($"extra.{i}", 1);
        }

        string all = Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message;
        Assert.All(Enumerable.Range(0, 200), i => Assert.Contains($"unexpected extra.{i}", all, StringComparison.Ordinal));
        Assert.DoesNotContain(" more", all, StringComparison.Ordinal);
        weights.Tensors.Remove("norm.bias");
        weights.Add("norm.weight", 63);
        string cut = Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message;
        Assert.Contains("norm.weight has shape [63]", cut, StringComparison.Ordinal);
        Assert.Contains("missing norm.bias [64]", cut, StringComparison.Ordinal);
        Assert.Contains("; and 2 more", cut, StringComparison.Ordinal);
    }

    [Fact]
    public void ABlockLostFromTheMiddle_IsNamedByItsTensors()
    {
        var weights = new RandomWeights(Small with { Depth = 4 });
        string[] lost = [.. weights.Tensors.Keys.Where(name => name.StartsWith("blocks.2.", StringComparison.Ordinal))];
        foreach (string name in lost)
        {
            weights.Tensors.Remove(name);
        }

        string message = Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message;
        Assert.Contains("depth 4", message, StringComparison.Ordinal);
        Assert.All(lost, name => Assert.Contains($"missing {name} [", message, StringComparison.Ordinal));
        Assert.DoesNotContain("unexpected", message, StringComparison.Ordinal);
    }

    [Fact]
    public void ForeignFiles_AreRefusedByName()
    {
        var weights = new RandomWeights(Small);
        weights.Tensors.Remove("cls_token");
        weights.Tensors.Remove("head.weight");
        string message = Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message;
        Assert.Contains("missing cls_token, head.weight", message, StringComparison.Ordinal);
        weights = new RandomWeights(Small);
        weights.Add("blocks.1000000.norm1.weight", 64);
        Assert.Contains("blocks.1000000, but", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RelativeIndex_IsVerified()
    {
        VisionTransformerConfiguration configuration = Small with { HasRelativePositionBias = true };
        var weights = new RandomWeights(configuration);
        float[] index = Array.ConvertAll(RelativePositionIndex.Create(4, 4), static value => (float)value);
        weights.Tensors["blocks.1.attn.relative_position_index"] = ([17, 17], index);
        Assert.Equal(configuration, VisionTransformer.Load(weights).Configuration);
        index[20]++;
        Assert.Contains("blocks.1.attn.relative_position_index", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 3, MlpActivation.Gelu)]
    [InlineData(int.MaxValue, int.MaxValue, MlpActivation.Gelu)]
    [InlineData(64, 3, (MlpActivation)2)]
    public void ImpossibleHeadsAndActivations_AreRefused(int headDimension, int heads, MlpActivation activation) =>
        Assert.Throws<ArgumentException>(() => new VisionTransformerConfiguration { HeadDimension = headDimension, HeadCount = heads, Activation = activation }.Validate());

    [Theory]
    [InlineData(0, 4, 3, 64)]
    [InlineData(16, 5, 3, 64)]
    [InlineData(16, 4, 5, 64)]
    [InlineData(16, 4, 1, 0)]
    public void ImpossibleConfigurations_AreRefused(int image, int patch, int heads, int width) =>
        Assert.Throws<ArgumentException>(() => new VisionTransformerConfiguration { ImageHeight = image, ImageWidth = 16, PatchSize = patch, HeadCount = heads, Width = width }.Validate());
}
