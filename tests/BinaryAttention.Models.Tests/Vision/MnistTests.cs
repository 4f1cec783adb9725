// A published vit-pytorch checkpoint on 200 digits of MNIST: the counts below were measured with this program and are asserted as they are.
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class MnistTests(ITestOutputHelper output)
{
    private const int DigitCount = 200, Classes = 10;

    private static readonly string Data = Path.Combine(AppContext.BaseDirectory, "Data");
    private static readonly string Checkpoint = Path.Combine(Data, "vit_mnist.pt");
    private static readonly Lazy<VisionTransformer> Model = new(static () => VisionTransformer.Load(Checkpoint, checkpoint: new CheckpointOptions { Activation = MlpActivation.Relu }));
    private static readonly Lazy<LabelledIdxImages> Digits = new(static () => LabelledIdxImages.Open(Path.Combine(Data, "images.idx3.gz"), Path.Combine(Data, "labels.idx1.gz")));

    [Fact]
    public void Configuration_IsReadOffTheFile()
    {
        var expected = new VisionTransformerConfiguration
        {
            ImageHeight = 28, ImageWidth = 28, PatchSize = 4, ChannelCount = 1, Width = 64, Depth = 6, HeadCount = 4, HeadDimension = 64, MlpRatio = 2, Activation = MlpActivation.Relu,
            ClassCount = Classes, HasQueryKeyValueBias = false, LayerNormEpsilon = 1e-5f,
        };
        Assert.Equal(expected, Model.Value.Configuration);
    }

    [Fact]
    public void Exact_Gets199Of200Right()
    {
        float[] logits = Model.Value.Forward(Pixels());
        int right = Accuracy.CountTop(logits, Classes, Labels(), 1);

        // The count is the same on every processor as long as rounding cannot change an answer.
        float margin = Enumerable.Range(0, DigitCount).Min(digit => Classification.TopK(logits.AsSpan(digit * Classes, Classes), 2) is [var first, var second] ? first.Logit - second.Logit : 0);
        output.WriteLine($"{right} of {DigitCount} right; the closest two logits differ by {margin:F4}");
        Assert.True(margin > 1e-3f, $"two classes are {margin} apart; choose digits that leave no doubt");
        Assert.Equal(199, right);
    }

    // Naive one-bit attention is discontinuous: another order of additions may change a sign and with it an answer. 132 of 200 were measured.
    [Fact]
    public void NaiveOneBit_GetsAboutTwoThirdsRight()
    {
        VisionTransformer oneBit = Model.Value.With(new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.OneBit(ValueQuantization.Full)) });
        int right = Accuracy.CountTop(oneBit.Forward(Pixels()), Classes, Labels(), 1);
        output.WriteLine($"{right} of {DigitCount} right");
        Assert.InRange(right, 127, 137);
    }

    [Fact]
    public void Logits_AreThoseOfThePlainFormulas()
    {
        using var file = TensorFile.Open(Checkpoint);
        var layout = new VitPytorchLayout(IsWrapped: true, HasPatchNorms: false, NormInHead: true, HasLeadingOne: true, Channels: 1, Heads: 4, HeadDimension: 64, IsRelu: true);
        var tensors = file.Tensors.ToDictionary(static tensor => tensor.Name, tensor => file.ReadSingles(tensor.Name), StringComparer.Ordinal);
        var plain = new PlainVitPytorch(tensors.GetValueOrDefault, layout, side: 28, patch: 4, width: 64, depth: 6);
        foreach (int digit in (int[])[0, 57, 199])
        {
            float[] pixels = Digits.Value.Normalized(digit);
            double[] expected = plain.Forward(pixels);
            float[] logits = Model.Value.Forward(pixels);
            double largest = expected.Zip(logits, static (a, b) => Math.Abs(a - b)).Max();
            output.WriteLine($"digit {digit}: logits differ by at most {largest:E2}");
            Assert.True(largest < 1e-4, $"digit {digit}: logits differ by {largest}");
        }
    }

    private static float[] Pixels() => [.. Enumerable.Range(0, DigitCount).SelectMany(static digit => Digits.Value.Normalized(digit))];

    private static int[] Labels() => [.. Enumerable.Range(0, DigitCount).Select(static digit => Digits.Value.Label(digit))];
}
