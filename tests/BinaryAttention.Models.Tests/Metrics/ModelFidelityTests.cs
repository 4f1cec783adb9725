// The figures, the maps and the search on a small random model.
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Tests.Vision;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Metrics;

public sealed class ModelFidelityTests
{
    private static readonly VisionTransformerConfiguration Small = new() { ImageHeight = 20, ImageWidth = 20, PatchSize = 4, Width = 24, Depth = 3, HeadCount = 2, MlpRatio = 2, ClassCount = 7 };
    private static readonly AttentionChoice Binary = AttentionChoice.All(LayerAttention.OneBit(ValueQuantization.Tiled));

    [Fact]
    public void Observer_SeesEveryLayer_InOrder_InPassesOfEight()
    {
        VisionTransformer model = Model(Small);
        var seen = new Recorder();
        float[] images = Images(9);
        float[] observed = model.With(model.Options with { Observer = seen, Attention = Binary }).Forward(images, TestContext.Current.CancellationToken);
        Assert.Equal(model.With(model.Options with { Attention = Binary }).Forward(images, TestContext.Current.CancellationToken), observed);
        Assert.Equal([(0, 8), (1, 8), (2, 8), (0, 1), (1, 1), (2, 1)], seen.Calls);
    }

    [Fact]
    public void Fidelity_IsThatOfTheOperandsOfTheExactModel()
    {
        VisionTransformer model = Model(Small);
        var fidelity = new VisionTransformerFidelity(model, Binary);
        float[] images = Images(3);
        Assert.Equal(model.Forward(images, TestContext.Current.CancellationToken), fidelity.Add(images, TestContext.Current.CancellationToken));
        Assert.Equal(3, fidelity.ImageCount);

        // The same one image at a time, measured by hand.
        var figures = new List<HeadFidelity>();
        var byHand = new Recorder { OnLayer1 = (query, key, value, in shape, options) => figures.Add(AttentionFidelity.Measure(query, key, value, shape, options, new BinaryAttentionOptions { Layout = options.Layout })[1]) };
        for (int i = 0; i < 3; i++)
        {
            model.With(model.Options with { Observer = byHand }).Forward(images.AsSpan(i * model.ImageLength, model.ImageLength), TestContext.Current.CancellationToken);
        }

        Assert.Equal(HeadFidelity.Mean(figures), fidelity.Mean(1, 1));
        Assert.True(fidelity.Mean(1, 1).MapDivergence > 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => fidelity.Mean(3, 0));
        Assert.Throws<ArgumentException>(() => new VisionTransformerFidelity(model, Binary).Mean(0, 0));
    }

    [Fact]
    public void RelativeTables_AreOnBothSides()
    {
        VisionTransformer model = Model(Small with { HasRelativePositionBias = true });
        float[] image = Images(1);
        HeadFidelity with = Measure(LayerAttention.OneBit(ValueQuantization.Full));
        HeadFidelity without = Measure(LayerAttention.OneBit(ValueQuantization.Full) with { UseRelativeBias = false });
        Assert.True(double.IsFinite(with.MapDivergence));
        Assert.NotEqual(with, without);

        HeadFidelity Measure(LayerAttention layer)
        {
            var fidelity = new VisionTransformerFidelity(model, AttentionChoice.All(layer));
            fidelity.Add(image, TestContext.Current.CancellationToken);
            return fidelity.Mean(0, 0);
        }
    }

    [Fact]
    public void ExactLayers_HaveNoError()
    {
        VisionTransformer model = Model(Small);
        var fidelity = new VisionTransformerFidelity(model, AttentionChoice.PerLayer([LayerAttention.Exact, LayerAttention.OneBit(ValueQuantization.Full), LayerAttention.Exact]));
        fidelity.Add(Images(1), TestContext.Current.CancellationToken);
        Assert.Equal(new HeadFidelity(0, 0, 1, 1, 0, 0, 0, 0), fidelity.Mean(0, 1));
        Assert.NotEqual(0, fidelity.Mean(1, 1).MapDivergence);
    }

    [Fact]
    public void Search_MeasuresByRunning()
    {
        VisionTransformer model = Model(Small);
        float[] images = Images(4);
        var search = new SensitivitySearch(model, Binary, exactLayerCount: 3);
        int runs = 0;
        SensitivityReport report = search.Run(4, Image, () => runs++, TestContext.Current.CancellationToken);
        Assert.Equal(4 * search.RunsPerImage, runs);
        Assert.Equal(2 + 6 + 2 + 1, search.RunsPerImage);

        float[] exact = model.Forward(images, TestContext.Current.CancellationToken);
        Assert.Equal(Divergence(false, false, false), report.AllBinary.Divergence, 1e-12);
        Assert.Equal(Divergence(true, false, true), report.Layers[1].AloneDivergence, 1e-12);
        Assert.Equal(Divergence(false, false, true), report.Layers[2].SparedDivergence, 1e-12);
        Assert.All(report.Layers, layer => Assert.Equal(report.AllBinary.Divergence - layer.SparedDivergence, layer.Gain, 1e-12));

        MixedAttention first = report.Suggestions[0];
        Assert.Equal(report.Layers.MinBy(static layer => layer.SparedDivergence).Layer, Assert.Single(first.ExactLayers));
        Assert.Equal(first.ExactLayers[0], report.Suggestions[1].ExactLayers[0]);
        Assert.Equal([0, 1, 2], report.Suggestions[2].ExactLayers.Order());
        Assert.Equal((0, 1), (report.Suggestions[2].Divergence, report.Suggestions[2].Agreement));

        double Divergence(params bool[] isExact)
        {
            AttentionChoice mixed = AttentionChoice.PerLayer(isExact.Select(static one => one ? LayerAttention.Exact : LayerAttention.OneBit(ValueQuantization.Tiled)));
            return LogitDivergence.Mean(exact, model.With(model.Options with { Attention = mixed }).Forward(images, TestContext.Current.CancellationToken), Small.ClassCount);
        }

        float[] Image(int index) => images[(index * model.ImageLength)..((index + 1) * model.ImageLength)];
    }

    [Fact]
    public void Search_TakesImagesInTurns_EachOnceARound()
    {
        VisionTransformer model = Model(Small);
        float[] images = Images(18);
        List<int> asked = [];
        SensitivityReport report = new SensitivitySearch(model, Binary, exactLayerCount: 1).Run(18, index =>
        {
            asked.Add(index);
            return images[(index * model.ImageLength)..((index + 1) * model.ImageLength)];
        }, null, TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 18), asked);
        float[] exact = model.Forward(images, TestContext.Current.CancellationToken), binary = model.With(model.Options with { Attention = Binary }).Forward(images, TestContext.Current.CancellationToken);
        Assert.Equal(LogitDivergence.Mean(exact, binary, Small.ClassCount), report.AllBinary.Divergence, 1e-12);
    }

    [Fact]
    public void Search_OfNothing_MeasuresTheOneBitModelAlone()
    {
        VisionTransformer model = Model(Small);
        var search = new SensitivitySearch(model, Binary, exactLayerCount: 0);
        SensitivityReport report = search.Run(1, _ => Images(1), null, TestContext.Current.CancellationToken);
        Assert.Equal(2, search.RunsPerImage);
        Assert.Empty(report.Layers);
        Assert.Empty(report.Suggestions);
        Assert.True(report.AllBinary.Divergence > 0);
        Assert.Throws<ArgumentException>(() => search.Run(1, _ => [1], null, TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(() => search.Run(0, _ => [], null, TestContext.Current.CancellationToken));
        Assert.Equal(3, new SensitivitySearch(model, Binary, exactLayerCount: 9).ExactLayerCount);
    }

    [Fact]
    public void Maps_HoldTheClassRowOverThePatches()
    {
        VisionTransformer model = Model(Small);
        var maps = VisionTransformerMaps.Capture(model, Binary, Images(1), [(2, 1)], 100, TestContext.Current.CancellationToken);
        Assert.Equal(25, maps.PatchCount);
        HeadMaps whole = Assert.Single(maps.Heads);
        Assert.Equal((2, 1, 26, 26), (whole.Layer, whole.Head, whole.Exact.Rows, whole.Binary.Columns));
        Assert.Equal(whole.Exact.Values[1..26], maps.ExactClassRows[^25..]);
        Assert.Equal(whole.Binary.Values[1..26], maps.BinaryClassRows[^25..]);
        Assert.NotEqual(whole.Exact.Values, whole.Binary.Values);
        Assert.Throws<ArgumentOutOfRangeException>(() => VisionTransformerMaps.Capture(model, Binary, Images(1), [(3, 0)], 100, TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentException>(() => VisionTransformerMaps.Capture(model, Binary, Images(2), [], 100, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Maps_AndFigures_RefuseWhatTakesNoSigns()
    {
        VisionTransformer model = Model(Small);
        foreach ((LayerAttention layer, string words) in ((LayerAttention, string)[])[(LayerAttention.Calibrated, "calibrated layer"), (LayerAttention.EightBit, "8-bit layer")])
        {
            AttentionChoice choice = AttentionChoice.PerLayer([LayerAttention.Exact, LayerAttention.OneBit(ValueQuantization.Full), layer]);
            Assert.Contains(words, Assert.Throws<ArgumentException>("binary", () => VisionTransformerMaps.Capture(model, choice, Images(1), [], 100, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
            Assert.Contains(words, Assert.Throws<ArgumentException>("binary", () => new VisionTransformerFidelity(model, choice)).Message, StringComparison.Ordinal);
        }
    }

    private static VisionTransformer Model(VisionTransformerConfiguration configuration) => VisionTransformer.Load(new RandomWeights(configuration), configuration);

    private static float[] Images(int count) => RandomValues.Uniform(77, count * 3 * 20 * 20);

    private delegate void LayerAction(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, in AttentionShape shape, AttentionOptions options);

    private sealed class Recorder : IAttentionObserver
    {
        public List<(int Layer, int Batch)> Calls { get; } = [];

        public LayerAction? OnLayer1 { get; init; }

        public void Observe(int layer, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, in AttentionShape shape, AttentionOptions options, CancellationToken cancellationToken)
        {
            Calls.Add((layer, shape.BatchSize));
            if (layer == 1)
            {
                OnLayer1?.Invoke(query, key, value, shape, options);
            }
        }
    }
}
