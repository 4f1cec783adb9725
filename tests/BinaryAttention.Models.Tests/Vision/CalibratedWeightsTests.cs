// Checkpoints with codes: hostile ones are refused when they are loaded, and sound ones run in any batch, on any number of threads and with two special tokens.
using BinaryAttention.Formats;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class CalibratedWeightsTests
{
    private const string Record = """{"format":1,"codeLength":16,"rank":2,"queryPlanes":1,"keyPlanes":1,"keyWeights":"per-head","exactSpecialRows":true}""";

    private static readonly VisionTransformerConfiguration Small = new() { ImageHeight = 20, ImageWidth = 20, PatchSize = 4, Width = 128, Depth = 3, HeadCount = 2, MlpRatio = 2, ClassCount = 7 };
    private static readonly VisionTransformerOptions Calibrated = new() { Attention = AttentionChoice.All(LayerAttention.Calibrated) };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Model_GivesTheSameBits_InAnyBatchAndOnAnyThreads(bool distilled)
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        VisionTransformer model = VisionTransformer.Load(Weights(distilled), options: Calibrated with { MaxDegreeOfParallelism = 1 });
        Assert.Equal(distilled ? 2 : 1, model.Configuration.SpecialTokenCount);
        float[] images = RandomValues.Uniform(5, 9 * model.ImageLength), together = model.Forward(images, stop);
        for (int i = 0; i < 9; i++)
        {
            Assert.Equal(model.Forward(images.AsSpan(i * model.ImageLength, model.ImageLength), stop), together[(7 * i)..(7 * (i + 1))]);
        }

        Assert.Equal(together, model.With(Calibrated with { MaxDegreeOfParallelism = 4 }).Forward(images, stop));
        Assert.NotEqual(together, model.With(new VisionTransformerOptions()).Forward(images, stop));
    }

    [Fact]
    public void Forward_AllocatesNothing_ButTheBiasesOfCalibratedLayers()
    {
        VisionTransformer model = VisionTransformer.Load(Weights(), options: new VisionTransformerOptions { MaxDegreeOfParallelism = 1 });
        float[] image = RandomValues.Uniform(6, model.ImageLength), logits = new float[Small.ClassCount];
        CancellationToken stop = TestContext.Current.CancellationToken;
        Assert.Equal(0, Allocated(LayerAttention.Exact));
        Assert.Equal(0, Allocated(LayerAttention.OneBit(ValueQuantization.Tiled)));
        Assert.Equal(0, Allocated(LayerAttention.EightBit));
        Assert.InRange(Allocated(LayerAttention.Calibrated), 1, 1_000_000);

        long Allocated(LayerAttention attention)
        {
            VisionTransformer chosen = model.With(model.Options with { Attention = AttentionChoice.All(attention) });
            long least = long.MaxValue;
            for (int i = 0; i < 5; i++)
            {
                // The least of a few: the run-time system itself allocates now and then.
                long before = GC.GetAllocatedBytesForCurrentThread();
                chosen.Forward(image, logits, stop);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            return least;
        }
    }

    [Theory]
    [InlineData("weight", float.NaN)]
    [InlineData("bias", float.NaN)]
    [InlineData("bias", float.NegativeInfinity)]
    [InlineData("weight", 3e38f)]
    [InlineData("temperature", float.NaN)]
    [InlineData("temperature", 1e30f)]
    public void NumbersThatNoCodeCanHave_AreRefusedAtLoad(string part, float value)
    {
        RandomWeights weights = Weights();
        float[] values = weights.Tensors[$"one_bit.2.{part}"].Values;

        // Behind the codes: the bias per key and the float factors, which come last.
        values[^1] = value;
        string message = Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message;
        Assert.Contains($"one_bit.2.{part} holds", message, StringComparison.Ordinal);
        Assert.Contains($"index {values.Length - 1}", message, StringComparison.Ordinal);
    }

    [Fact]
    public void TensorsThatDoNotFit_AreNamed()
    {
        RandomWeights shaped = Weights(), beyond = Weights(), lacking = Weights();
        shaped.Add("one_bit.1.bias", 5);
        Assert.Contains("one_bit.1.bias has shape [5], expected [74]", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(shaped)).Message, StringComparison.Ordinal);
        beyond.Add("one_bit.3.temperature", 2);
        Assert.Contains("layers 0 to 2", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(beyond)).Message, StringComparison.Ordinal);
        lacking.Tensors.Remove("one_bit.0.weight");
        Assert.Contains("missing one_bit.0.weight [74, 128]", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(lacking)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"per-head\"", "\"per-row\"", "keyWeights \"per-row\"")]
    [InlineData("\"per-head\"", "null", "keyWeights")]
    [InlineData("\"keyPlanes\":1", "\"keyPlanes\":2", "keyPlanes 2 with keyWeights")]
    [InlineData("\"queryPlanes\":1", "\"queryPlanes\":3", "queryPlanes 3")]
    [InlineData("\"rank\":2", "\"rank\":-1", "rank -1")]
    public void OddRecords_AreRefused_WithARemedy(string old, string damaged, string words)
    {
        RandomWeights weights = Weights();
        weights.Remarks["one_bit"] = Record.Replace(old, damaged, StringComparison.Ordinal);
        string message = Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message;
        Assert.Contains(words, message, StringComparison.Ordinal);
        Assert.Contains("as 'binattn calibrate' wrote it", message, StringComparison.Ordinal);
    }

    [Fact]
    public void SizesThatWrapAround_AreRefused()
    {
        // 2^16 heads of 2 * 2^15 signs are 2^32: in 32 bits nothing but the biases.
        var form = new CalibratedForm { CodeLength = 32768, Layers = [0] };
        Assert.Equal((1L << 32) + 65536, form.OutputCount(65536));
        Assert.Throws<OverflowException>(() => new CalibratedForm { CodeLength = int.MaxValue, Rank = int.MaxValue }.OutputCount(int.MaxValue));
        VisionTransformerConfiguration wrapped = Small with { ImageHeight = 2048, ImageWidth = 2048, Calibration = form };
        Assert.Contains("codes of 32768 signs", Assert.Throws<ArgumentException>(wrapped.Validate).Message, StringComparison.Ordinal);
        Assert.Contains("codes of 0 signs", Assert.Throws<ArgumentException>((Small with { Calibration = new CalibratedForm { Layers = [0] } }).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("planes 3", Assert.Throws<ArgumentException>((Small with { Calibration = form with { QueryPlanes = 3 } }).Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Passes_TakeFewerImages_WhereEightWouldNotFit()
    {
        // 4,097 tokens of 3 x 65,536 channels: one image fits an array, eight do not.
        VisionTransformerConfiguration large = Small with { ImageHeight = 256, ImageWidth = 256, Width = 65536, MlpRatio = 0.5 };
        large.Validate();
        Assert.Equal(4097L * 3 * 65536, large.LargestImageBuffer);
        Assert.Equal(2, VisionTransformer.ImagesPerPass(large.LargestImageBuffer));
        Assert.Equal(8, VisionTransformer.ImagesPerPass(Small.LargestImageBuffer));
        Assert.Equal(1, VisionTransformer.ImagesPerPass(Array.MaxLength));
        Assert.Equal(26L * ((2 * ((2 * 300) + 1)) + 128), (Small with { Calibration = new CalibratedForm { CodeLength = 300, Layers = [0] } }).LargestImageBuffer);
    }

    [Fact]
    public void Epsilon_AndOddOnes_AreReadOffTheMetadata()
    {
        RandomWeights weights = Weights();
        weights.Remarks["layer_norm_epsilon"] = "0.001";
        Assert.Equal(0.001f, VisionTransformer.Load(weights).Configuration.LayerNormEpsilon);
        Assert.Equal(0.002f, VisionTransformer.Load(weights, checkpoint: new CheckpointOptions { LayerNormEpsilon = 0.002f }).Configuration.LayerNormEpsilon);
        weights.Remarks["layer_norm_epsilon"] = "NaN";
        Assert.Contains("layer_norm_epsilon \"NaN\"", Assert.Throws<FileFormatException>(() => VisionTransformer.Load(weights)).Message, StringComparison.Ordinal);
    }

    private static RandomWeights Weights(bool distilled = false)
    {
        var weights = new RandomWeights(Small with { HasDistillationToken = distilled });
        weights.Remarks["num_heads"] = "2";
        weights.Remarks["one_bit"] = Record;
        for (int layer = 0; layer < Small.Depth; layer++)
        {
            weights.Add($"one_bit.{layer}.weight", 2 * ((2 * 16) + 1 + 4), Small.Width);
            weights.Add($"one_bit.{layer}.bias", 2 * ((2 * 16) + 1 + 4));
            weights.Tensors[$"one_bit.{layer}.temperature"] = ([2], [0.5f, 0.8f]);
        }

        return weights;
    }
}
