// Models with 8-bit attention: DeiT-Tiny on six photographs answers as with exact attention; single layers; backends without it.
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Vision;

public sealed class EightBitAttentionTests
{
    private static readonly string Data = Path.Combine(AppContext.BaseDirectory, "Data");
    private static readonly Lazy<VisionTransformer> Model = new(static () => VisionTransformer.Load(Path.Combine(Data, "deit_tiny_patch16_224.f16.safetensors")));
    private static readonly Lazy<float[]> Images = new(static () => [.. File.ReadAllLines(Path.Combine(Data, "deit_tiny_photos.csv")).Skip(1).SelectMany(static line => ImagePreprocessing.DeiT.Apply(ImageDecoder.DecodeFile(Path.Combine(Data, line.Split(',')[0]))))]);

    [Theory]
    [InlineData(ValueQuantization.Tiled, 0.004)]
    [InlineData(ValueQuantization.Full, 0.001)]
    public void DeitTiny_AnswersAsWithExactAttention(ValueQuantization quantization, double mostDivergence)
    {
        float[] exact = Model.Value.Forward(Images.Value);
        float[] eightBit = With(AttentionChoice.All(LayerAttention.EightBitWith(quantization))).Forward(Images.Value);
        Assert.InRange(Accuracy.Agreement(exact, eightBit, 1000), 0.99, 1);
        Assert.InRange(LogitDivergence.Mean(exact, eightBit, 1000), 0, mostDivergence);
        Assert.NotEqual(exact, eightBit);
    }

    [Fact]
    public void OneLayer_MayDiffer()
    {
        float[] image = Images.Value[..Model.Value.ImageLength];
        float[] exact = Model.Value.Forward(image);
        float[] last = With(AttentionChoice.PerLayer([.. Enumerable.Repeat(LayerAttention.Exact, 11), LayerAttention.EightBit])).Forward(image);
        float[] first = With(AttentionChoice.PerLayer([LayerAttention.EightBit, .. Enumerable.Repeat(LayerAttention.Exact, 11)])).Forward(image);
        Assert.NotEqual(exact, last);
        Assert.NotEqual(exact, first);
        Assert.InRange(LogitDivergence.Mean(exact, last, 1000), 0, 0.01);
    }

    [Fact]
    public void ObservedModel_GivesTheSameAnswer()
    {
        float[] image = Images.Value[..Model.Value.ImageLength];
        var observer = new Counter();
        VisionTransformer plain = With(AttentionChoice.All(LayerAttention.EightBit));
        Assert.Equal(plain.Forward(image), plain.With(plain.Options with { Observer = observer }).Forward(image));
        Assert.Equal(12, observer.EightBitCalls);
    }

    [Fact]
    public void WhatHasNoEightBitAttention_Refuses()
    {
        float[] image = Images.Value[..Model.Value.ImageLength];
        VisionTransformer elsewhere = Model.Value.With(new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.EightBit), Backend = new OtherBackend() });
        Assert.Contains("\"other\" has no 8-bit attention", Assert.Throws<NotSupportedException>(() => elsewhere.Forward(image)).Message, StringComparison.Ordinal);
        Assert.Contains("TrainingParity", Assert.Throws<ArgumentException>(() => With(AttentionChoice.All(LayerAttention.EightBitWith(ValueQuantization.TrainingParity))).Forward(image)).Message, StringComparison.Ordinal);
        Assert.Contains("8-bit layer", Assert.Throws<ArgumentException>(() => new VisionTransformerFidelity(Model.Value, AttentionChoice.All(LayerAttention.EightBit))).Message, StringComparison.Ordinal);
    }

    private static VisionTransformer With(AttentionChoice attention) => Model.Value.With(new VisionTransformerOptions { Attention = attention });

    private sealed class Counter : IAttentionObserver
    {
        public int EightBitCalls { get; private set; }

        public void Observe(int layer, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, in AttentionShape shape, AttentionOptions options, CancellationToken cancellationToken) =>
            EightBitCalls += options is EightBitAttentionOptions ? 1 : 0;
    }

    private sealed class OtherBackend : IAttentionBackend
    {
        public string Name => "other";

        public void ScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, AttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) => destination.Clear();

        public void BinaryScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) => destination.Clear();
    }
}
