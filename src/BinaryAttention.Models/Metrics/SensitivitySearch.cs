using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Metrics;

/// <summary>
/// Finds the layers to keep exact by running the model, not by a proxy: every layer alone one-bit, every layer alone exact, then greedily the layer that lowers the divergence of the
/// answers most, again and again. Images are asked for one at a time, as often as there are rounds; a few are held, and memory does not grow with them but for the exact model's logits. One mixture
/// of layers runs at a time, so that neither its threads nor its buffers are held beside those of the others.
/// </summary>
public sealed class SensitivitySearch
{
    // Images that a mixture runs before it makes room for the next: enough to be worth its threads and buffers.
    private const int ImagesPerTurn = 16;

    private readonly VisionTransformer _model;
    private readonly LayerAttention[] _binary;
    private readonly LayerAttention[] _exact;

    /// <summary>Prepares a search.</summary>
    /// <param name="model">The model; its weights, image size, backend and thread limit are used, its own choice of attention is not.</param>
    /// <param name="binary">The one-bit attention of every layer.</param>
    /// <param name="exactLayerCount">How many layers to suggest, at least 0; 0 measures the all-one-bit model alone. No more than the model has.</param>
    /// <exception cref="ArgumentException">The choice was made for another depth, or the count is negative.</exception>
    public SensitivitySearch(VisionTransformer model, AttentionChoice binary, int exactLayerCount = 3)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(binary);
        ArgumentOutOfRangeException.ThrowIfNegative(exactLayerCount);
        _model = model;
        _binary = [.. binary.ForDepth(model.Configuration.Depth)];
        _exact = [.. VisionTransformerFidelity.ExactSide(_binary).ForDepth(_binary.Length)];
        ExactLayerCount = Math.Min(exactLayerCount, _binary.Length);
    }

    /// <summary>Layers that are suggested.</summary>
    public int ExactLayerCount { get; }

    /// <summary>Runs of the model for each image.</summary>
    public int RunsPerImage
    {
        get
        {
            int depth = _binary.Length, runs = 2 + (ExactLayerCount > 0 ? 2 * depth : 0);
            for (int chosen = 1; chosen < ExactLayerCount; chosen++)
            {
                runs += depth - chosen;
            }

            return runs;
        }
    }

    /// <summary>Runs the search.</summary>
    /// <param name="imageCount">Images, at least 1.</param>
    /// <param name="image">Gives the normalised pixels <c>[channels, height, width]</c> of an image, from 0; called once per image and round.</param>
    /// <param name="afterRun">Called after each run of the model, if given.</param>
    /// <param name="cancellationToken">Checked between layers and inside the attention.</param>
    /// <exception cref="ArgumentException">There are no images, or one has another length than the model takes.</exception>
    public SensitivityReport Run(int imageCount, Func<int, float[]> image, Action? afterRun = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(imageCount, 1);
        ArgumentNullException.ThrowIfNull(image);
        int depth = _binary.Length, classes = _model.Configuration.ClassCount;
        VisionTransformer exact = With(_exact);
        var exactLogits = new float[imageCount][];
        bool isSearch = ExactLayerCount > 0;

        // First round: all one-bit, then each layer alone one-bit, then each layer alone exact.
        List<Variant> first = [new([])];
        for (int layer = 0; isSearch && layer < depth; layer++)
        {
            first.Add(new Variant([.. Enumerable.Range(0, depth).Where(other => other != layer)]));
        }

        for (int layer = 0; isSearch && layer < depth; layer++)
        {
            first.Add(new Variant([layer]));
        }

        Measure(first, (index, pixels) => exactLogits[index] = Forward(exact, pixels));
        MixedAttention allBinary = first[0].Result(imageCount);
        if (!isSearch)
        {
            return new SensitivityReport(imageCount, allBinary, [], []);
        }

        var layers = new LayerSensitivity[depth];
        for (int layer = 0; layer < depth; layer++)
        {
            double spared = first[1 + depth + layer].Result(imageCount).Divergence;
            layers[layer] = new LayerSensitivity(layer, first[1 + layer].Result(imageCount).Divergence, spared, allBinary.Divergence - spared);
        }

        List<MixedAttention> suggestions = [Best(first[(1 + depth)..], imageCount)];
        while (suggestions.Count < ExactLayerCount)
        {
            IReadOnlyList<int> chosen = suggestions[^1].ExactLayers;
            List<Variant> round = [.. Enumerable.Range(0, depth).Except(chosen).Select(layer => new Variant([.. chosen, layer]))];
            Measure(round, static (_, _) => { });
            suggestions.Add(Best(round, imageCount));
        }

        return new SensitivityReport(imageCount, allBinary, layers, suggestions);

        void Measure(List<Variant> variants, Action<int, float[]> before)
        {
            for (int first = 0; first < imageCount; first += ImagesPerTurn)
            {
                var held = new float[Math.Min(ImagesPerTurn, imageCount - first)][];
                for (int i = 0; i < held.Length; i++)
                {
                    held[i] = image(first + i);
                    before(first + i, held[i]);
                }

                foreach (Variant variant in variants)
                {
                    VisionTransformer mixed = Mix(variant.ExactLayers);
                    for (int i = 0; i < held.Length; i++)
                    {
                        variant.Add(exactLogits[first + i], Forward(mixed, held[i]), classes);
                    }
                }
            }
        }

        float[] Forward(VisionTransformer model, float[] pixels)
        {
            if (pixels.Length != model.ImageLength)
            {
                throw new ArgumentException($"image gave {pixels.Length} values; the model takes {model.ImageLength}. Resize or crop the images to its size.", nameof(image));
            }

            float[] logits = model.Forward(pixels, cancellationToken);
            afterRun?.Invoke();
            return logits;
        }
    }

    // Of equal ones the first, i.e. the lower layer; a model that answers NaN comes last.
    private static MixedAttention Best(List<Variant> variants, int imageCount) => variants.Select(variant => variant.Result(imageCount)).MinBy(static result => double.IsNaN(result.Divergence) ? double.PositiveInfinity : result.Divergence)!;

    private VisionTransformer Mix(IReadOnlyList<int> exactLayers) => With(_binary.Select((layer, index) => exactLayers.Contains(index) ? _exact[index] : layer));

    private VisionTransformer With(IEnumerable<LayerAttention> layers) => _model.With(_model.Options with { Attention = AttentionChoice.PerLayer(layers), Observer = null });

    /// <summary>One mixture of layers and its sums so far.</summary>
    private sealed class Variant(IReadOnlyList<int> exactLayers)
    {
        private double _divergence;
        private double _agreements;

        public IReadOnlyList<int> ExactLayers => exactLayers;

        public void Add(float[] exactLogits, float[] logits, int classes)
        {
            _divergence += LogitDivergence.Mean(exactLogits, logits, classes);
            _agreements += Accuracy.Agreement(exactLogits, logits, classes);
        }

        public MixedAttention Result(int imageCount) => new(exactLayers, _divergence / imageCount, _agreements / imageCount);
    }
}
