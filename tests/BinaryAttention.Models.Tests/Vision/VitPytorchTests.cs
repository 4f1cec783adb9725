// Every generation of vit-pytorch's names loads and computes what its formulas say; what a file leaves open is asked for.
using BinaryAttention.Formats;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class VitPytorchTests
{
    private static readonly VitPytorchLayout Oldest = new(IsWrapped: true, HasPatchNorms: false, NormInHead: true, HasLeadingOne: true, Channels: 1, Heads: 2, HeadDimension: 64, IsRelu: false);

    public static TheoryData<bool, bool, bool, bool, int, int, int, bool> Layouts => new()
    {
        { true, false, true, true, 1, 4, 64, true },
        { true, false, true, true, 3, 2, 64, false },
        { true, true, true, true, 3, 3, 16, false },
        { false, true, true, true, 3, 1, 64, true },
        { false, true, false, true, 3, 2, 16, false },
        { false, true, false, false, 1, 5, 8, true },
        { false, false, false, false, 3, 1, 32, false },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void EveryGeneration_ComputesItsFormulas(bool wrapped, bool patchNorms, bool normInHead, bool leadingOne, int channels, int heads, int headDimension, bool relu)
    {
        var layout = new VitPytorchLayout(wrapped, patchNorms, normInHead, leadingOne, channels, heads, headDimension, relu);
        var weights = new VitPytorchWeights(layout);
        var model = VisionTransformer.Load(weights, checkpoint: new CheckpointOptions { HeadCount = headDimension == 64 || !layout.HasProjection ? null : heads, Activation = relu ? MlpActivation.Relu : null });
        Assert.Equal(
            (VitPytorchLayout.Side, VitPytorchLayout.Patch, channels, VitPytorchLayout.Width, VitPytorchLayout.Depth, heads, headDimension, VitPytorchLayout.Hidden, VitPytorchLayout.Classes, 1e-5f),
            (model.Configuration.ImageHeight, model.Configuration.PatchSize, model.Configuration.ChannelCount, model.Configuration.Width, model.Configuration.Depth, model.Configuration.HeadCount, model.Configuration.HeadDimension, model.Configuration.HiddenWidth, model.Configuration.ClassCount, model.Configuration.LayerNormEpsilon));

        float[] images = RandomValues.Uniform(17, 3 * model.ImageLength, 1);
        var plain = new PlainVitPytorch(name => weights.FindShape(name) is null ? null : weights.ReadSingles(name), layout, VitPytorchLayout.Side, VitPytorchLayout.Patch, VitPytorchLayout.Width, VitPytorchLayout.Depth);
        double[] expected = [.. Enumerable.Range(0, 3).SelectMany(image => plain.Forward(images[(image * model.ImageLength)..((image + 1) * model.ImageLength)]))];
        float[] logits = model.Forward(images);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], logits[i], 1e-4 * Math.Max(1, Math.Abs(expected[i])));
        }

        // The path that keeps every token agrees with the one that finishes the class token alone, and one-bit attention runs at this width.
        Assert.Equal(images.Length / model.ImageLength * model.Configuration.TokenCount * VitPytorchLayout.Width, model.ForwardFeatures(images).Length);
        Assert.All(model.With(new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.OneBit(ValueQuantization.Tiled)) }).Forward(images), static logit => Assert.True(float.IsFinite(logit)));
    }

    [Fact]
    public void HeadsThatAreNotClear_AreAskedFor()
    {
        var weights = new VitPytorchWeights(Oldest with { Heads = 3, HeadDimension = 16 });
        Assert.Contains("48 channels of a query are no multiple of 64", Message(weights), StringComparison.Ordinal);
        Assert.Contains("HeadCount is 5; a divisor of the 48 channels", Assert.Throws<ArgumentException>(() => VisionTransformer.Load(weights, checkpoint: new CheckpointOptions { HeadCount = 5 })).Message, StringComparison.Ordinal);
        Assert.Contains("HeadCount is 0", Assert.Throws<ArgumentException>(() => VisionTransformer.Load(weights, checkpoint: new CheckpointOptions { HeadCount = 0 })).Message, StringComparison.Ordinal);
        weights.Remarks["num_heads"] = "3";
        weights.Remarks["activation"] = "relu";
        VisionTransformerConfiguration configuration = VisionTransformer.Load(weights).Configuration;
        Assert.Equal((3, 16, MlpActivation.Relu), (configuration.HeadCount, configuration.HeadDimension, configuration.Activation));
        weights.Remarks["activation"] = "swish";
        Assert.Contains("activation \"swish\"", Message(weights), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => VisionTransformer.Load(weights, configuration, checkpoint: new CheckpointOptions { HeadCount = 3 }));
        Assert.Equal(configuration, VisionTransformer.Load(weights, configuration).Configuration);
    }

    [Fact]
    public void Problems_NameTheStoredTensors()
    {
        var weights = new VitPytorchWeights(Oldest);
        weights.Tensors.Remove("transformer.layers.1.0.fn.to_out.0.bias");
        weights.Add("mlp_head.0.bias", 31);
        weights.Add("decoder.weight", 1);
        string message = Message(weights);
        Assert.Contains("missing transformer.layers.1.0.fn.to_out.0.bias [32]", message, StringComparison.Ordinal);
        Assert.Contains("mlp_head.0.bias has shape [31], expected [32]", message, StringComparison.Ordinal);
        Assert.Contains("unexpected decoder.weight", message, StringComparison.Ordinal);

        weights = new VitPytorchWeights(Oldest);
        weights.Tensors.Remove("pos_embedding");
        Assert.Contains("missing pos_embedding", Message(weights), StringComparison.Ordinal);
        weights = new VitPytorchWeights(Oldest);
        weights.Tensors.Remove("transformer.layers.0.0.fn.to_qkv.weight");
        Assert.Contains("transformer.layers.0.0.fn.to_qkv.weight is missing", Message(weights), StringComparison.Ordinal);
        weights.Add("transformer.layers.0.0.fn.to_qkv.weight", 385, 32);
        Assert.Contains("385 rows", Message(weights), StringComparison.Ordinal);
    }

    [Fact]
    public void MeanPooling_AndPatchesThatAreNoSquares_AreRefused()
    {
        var weights = new VitPytorchWeights(Oldest);
        weights.Add("cls_token", 1, 0, 32);
        Assert.Contains("averages its tokens", Message(weights), StringComparison.Ordinal);

        weights = new VitPytorchWeights(Oldest);
        weights.Add("to_patch_embedding.1.weight", 32, 18);
        Assert.Contains("18 values, which with 3 channels or 1 are no squares", Message(weights), StringComparison.Ordinal);
        Assert.Contains("ChannelCount 5", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights, checkpoint: new CheckpointOptions { ChannelCount = 5 })).Message, StringComparison.Ordinal);
        VisionTransformerConfiguration two = VisionTransformer.Load(weights, checkpoint: new CheckpointOptions { ChannelCount = 2 }).Configuration;
        Assert.Equal((2, 3), (two.ChannelCount, two.PatchSize));
    }

    [Fact]
    public void Prefixes_PickTheModel_OrAreAskedFor()
    {
        var one = new VitPytorchWeights(Oldest);
        VisionTransformerConfiguration expected = VisionTransformer.Load(one).Configuration;
        one.PutBelow("state.module");
        one.Add("optimizer.0.exp_avg", 3);
        Assert.Equal(expected, VisionTransformer.Load(one).Configuration);
        Assert.Equal(expected, VisionTransformer.Load(one, checkpoint: new CheckpointOptions { Prefix = "state.module" }).Configuration);
        Assert.Contains("Choose one by its prefix: state.module.", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(one, checkpoint: new CheckpointOptions { Prefix = "ema" })).Message, StringComparison.Ordinal);

        one.Tensors.Remove("state.module.mlp_head.1.bias");
        Assert.Contains("missing state.module.mlp_head.1.bias [5]", Message(one), StringComparison.Ordinal);

        var several = new VitPytorchWeights(Oldest);
        several.PutBelow("model");
        foreach ((string name, (long[] Shape, float[] Values) tensor) in new VitPytorchWeights(Oldest).Tensors)
        {
            several.Tensors.Add($"model_ema.{name}", (tensor.Shape, Array.ConvertAll(tensor.Values, static value => value / 2)));
        }

        Assert.Contains("holds 2 models. Choose one by its prefix: model, model_ema.", Message(several), StringComparison.Ordinal);
        float[] image = RandomValues.Uniform(3, VitPytorchLayout.Side * VitPytorchLayout.Side, 1);
        float[] plain = Logits(several, "model", image), average = Logits(several, "model_ema", image);
        Assert.Equal(VisionTransformer.Load(new VitPytorchWeights(Oldest)).Forward(image), plain);
        Assert.NotEqual(plain, average);
    }

    private static float[] Logits(WeightSource weights, string prefix, float[] image) => VisionTransformer.Load(weights, checkpoint: new CheckpointOptions { Prefix = prefix }).Forward(image);

    private static string Message(WeightSource weights) => Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message;
}
