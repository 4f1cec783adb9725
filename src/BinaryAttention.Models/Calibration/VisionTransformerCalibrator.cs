using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

/// <summary>
/// Finds codes for one-bit attention in a model that was trained with exact attention, from a few unlabelled images. docs/calibration.md tells how. The model itself is not changed.
/// </summary>
public sealed class VisionTransformerCalibrator
{
    /// <summary>Fewer images say too little about a model.</summary>
    public const int MinImages = 4;

    // Inputs of layers held at a time; layers beyond it cost another run over the images.
    private const long MostHeldBytes = 1L << 30;

    // Share of the memory that attention rows of all workers may take.
    private const double MostRowsShare = 0.5;

    private readonly VisionTransformer _model;
    private readonly WeightSource _weights;
    private readonly CalibrationOptions _options;

    /// <summary>Prepares a calibration.</summary>
    /// <param name="model">The model; its image size, backend and thread limit are used, its choice of attention is not.</param>
    /// <param name="weights">The checkpoint that it was loaded from.</param>
    /// <param name="options">What may be done; defaults if null.</param>
    /// <param name="checkpoint">As the model was loaded.</param>
    /// <exception cref="ArgumentException">An option is out of range, the model has no attention that can be calibrated, or an attention map of its tokens does not fit an array.</exception>
    public VisionTransformerCalibrator(VisionTransformer model, WeightSource weights, CalibrationOptions? options = null, CheckpointOptions? checkpoint = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(weights);
        _model = model;
        _options = options ?? new CalibrationOptions();
        _options.Validate();
        _weights = VitPytorchSource.Adapt(ModelPrefix.Select(weights, checkpoint?.Prefix), checkpoint?.ChannelCount ?? model.Configuration.ChannelCount);
        VisionTransformerConfiguration sizes = model.Configuration;
        if (sizes.HasRelativePositionBias)
        {
            throw new ArgumentException("The model has relative-position tables: it was trained with one-bit attention, and needs no calibration. Run it with one-bit attention as it is.", nameof(model));
        }

        if (sizes.HeadDimension <= _options.Rank)
        {
            throw new ArgumentException($"Rank is {_options.Rank}; less than the {sizes.HeadDimension} channels of a head is expected.", nameof(options));
        }

        _ = AttentionRows.RowValues(sizes.TokenCount, sizes.TokenCount);
        IReadOnlyCollection<int> without = _options.LayersWithoutCodes;
        int outside = without.FirstOrDefault(layer => layer < 0 || layer >= sizes.Depth, -1);
        if (without.Contains(outside) || without.Count >= sizes.Depth)
        {
            throw new ArgumentException($"ExactLayers and EightBitLayers hold {string.Join(", ", without)}; some, not all, of the layers 0 to {sizes.Depth - 1} are expected.", nameof(options));
        }
    }

    /// <summary>Layers that get codes.</summary>
    public int LayerCount => _model.Configuration.Depth - _options.LayersWithoutCodes.Count;

    /// <summary>Calibrates.</summary>
    /// <param name="imageCount">Images, at least <see cref="MinImages"/>.</param>
    /// <param name="image">Gives the normalised pixels <c>[channels, height, width]</c> of an image, from 0; called once for each, or a few times where a model is too large for one run.</param>
    /// <param name="afterLayer">Called when a layer is done, in any order, on one thread at a time; not for layers of <paramref name="done"/>.</param>
    /// <param name="done">Layers that an earlier run with the same model, options and images has finished: they are taken as they are. Null for none.</param>
    /// <param name="cancellationToken">Checked between steps.</param>
    /// <exception cref="ArgumentException">There are too few images, one has another length or is of one colour, or an activation is not finite.</exception>
    public ModelCodes Run(int imageCount, Func<int, float[]> image, Action<LayerCodes>? afterLayer = null, IReadOnlyCollection<LayerCodes>? done = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (imageCount < MinImages)
        {
            throw new ArgumentException($"imageCount is {imageCount}; at least {MinImages} images are expected, 64 to 128 are good.", nameof(imageCount));
        }

        VisionTransformerConfiguration sizes = _model.Configuration;
        long layerBytes = (long)imageCount * sizes.TokenCount * sizes.Width * sizeof(float);
        int layersAtOnce = (int)Math.Clamp(MostHeldBytes / layerBytes, 1, sizes.Depth);
        List<LayerCodes> layers = [.. done ?? []];
        int[] missing = [.. Enumerable.Range(0, sizes.Depth).Except(_options.LayersWithoutCodes).Except(layers.Select(static layer => layer.Layer))];
        var budget = new CalibrationBudget(_options, missing.Length * sizes.HeadCount);
        foreach (int[] group in missing.GroupBy(layer => layer / layersAtOnce).Select(static group => group.ToArray()))
        {
            float[][][] inputs = ActivationCapture.Run(_model, group[0], group[^1] - group[0] + 1, imageCount, index => Checked(image(index), index), cancellationToken);
            layers.AddRange(RunLayers(group, inputs, budget, afterLayer, cancellationToken));
        }

        layers.Sort(static (a, b) => a.Layer.CompareTo(b.Layer));

        var form = new CalibratedForm
        {
            CodeLength = sizes.HeadDimension * _options.CodeLengthFactor,
            Rank = _options.Rank,
            QueryPlanes = _options.QueryPlanes,
            KeyPlanes = _options.KeyPlanes,
            WeightsKeys = _options.KeyWeights == KeyWeights.PerToken || _options.KeyPlanes == 2,
            HasExactSpecialRows = _options.ExactSpecialRows,
            Layers = [.. layers.Select(static layer => layer.Layer)],
            EightBitLayers = [.. _options.EightBitLayers.Order()],
        };
        return new ModelCodes(form, layers, budget.Chosen, imageCount);
    }

    /// <summary>Threads that hold their attention rows in memory at the same time: as many as may, at least one. A head is the same on any number.</summary>
    internal static int Workers(int most, int tokenCount, bool hasRank, long availableBytes) =>
        (int)Math.Clamp((long)(MostRowsShare * availableBytes) / AttentionRows.RowBytes(tokenCount, tokenCount, hasRank), 1, most);

    /// <summary>Whether every channel holds one number, each its own after normalisation.</summary>
    internal static bool IsOfOneColour(float[] pixels, int channelCount)
    {
        int plane = pixels.Length / channelCount;
        for (int channel = 0; channel < channelCount; channel++)
        {
            ReadOnlySpan<float> values = pixels.AsSpan(channel * plane, plane);
            if (values.ContainsAnyExcept(values[0]))
            {
                return false;
            }
        }

        return true;
    }

    private List<LayerCodes> RunLayers(int[] chosen, float[][][] inputs, CalibrationBudget budget, Action<LayerCodes>? afterLayer, CancellationToken cancellationToken)
    {
        VisionTransformerConfiguration sizes = _model.Configuration;
        int heads = sizes.HeadCount, inner = sizes.AttentionWidth;
        var results = new HeadCalibrationResult[chosen.Length][];
        var missing = new int[chosen.Length];
        var codes = new LayerCodes[chosen.Length];
        (float[] Weight, float[] Bias)[] projections = [.. chosen.Select(Projection)];
        for (int i = 0; i < chosen.Length; i++)
        {
            results[i] = new HeadCalibrationResult[heads];
            missing[i] = heads;
        }

        var reporting = new Lock();
        int workers = Workers(_options.MaxDegreeOfParallelism ?? Environment.ProcessorCount, sizes.TokenCount, _options.Rank > 0, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        WorkItems.Run(chosen.Length * heads, workers, item =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            int index = item / heads, head = item % heads, layer = chosen[index];
            HeadProjections own = HeadProjections.Cut(projections[index].Weight, projections[index].Bias, head, sizes.HeadDimension, inner);
            results[index][head] = RunHead(layer, head, inputs[layer - chosen[0]], own, budget, cancellationToken);
            lock (reporting)
            {
                if (--missing[index] == 0)
                {
                    codes[index] = LayerCodes.Create(layer, [.. results[index].Select(static result => result.Code)], results[index].Average(static result => result.NaiveDivergence), results[index].Average(static result => result.Divergence));
                    afterLayer?.Invoke(codes[index]);
                }
            }
        }, cancellationToken);
        return [.. codes];
    }

    private HeadCalibrationResult RunHead(int layer, int head, float[][] inputs, HeadProjections projections, CalibrationBudget budget, CancellationToken cancellationToken)
    {
        VisionTransformerConfiguration sizes = _model.Configuration;
        int d = sizes.HeadDimension, tokens = sizes.TokenCount;
        var activations = new HeadActivations(
            HeadActivations.Project(inputs, tokens, projections.Query, projections.QueryBias, d),
            HeadActivations.Project(inputs, tokens, projections.Key, projections.KeyBias, d),
            DenseProduct.Pitch(d),
            tokens,
            d,
            inputs);

        // A classifier reads only the special tokens of its last layer; where their rows are exact, nothing there depends on the codes.
        bool isLast = layer == sizes.Depth - 1;
        float[] weights = RowWeights(sizes, isLast);
        return HeadCalibration.Run(activations, projections, _options, budget, weights, learns: !isLast || !_options.ExactSpecialRows, Seed(layer, head), cancellationToken);
    }

    private float[] RowWeights(VisionTransformerConfiguration sizes, bool isLast)
    {
        int special = sizes.SpecialTokenCount;
        var weights = new float[isLast && !_options.ExactSpecialRows ? special : sizes.TokenCount];
        Array.Fill(weights, 1);
        if (weights.Length > special)
        {
            weights.AsSpan(0, special).Fill(_options.ExactSpecialRows ? 0 : _options.SpecialRowWeight);
        }

        return weights;
    }

    private ulong Seed(int layer, int head)
    {
        var random = new SplitMix64(((ulong)(uint)_options.Seed << 32) | ((uint)layer << 12) | (uint)head);
        return random.Next();
    }

    private (float[] Weight, float[] Bias) Projection(int layer)
    {
        string name = CheckpointNames.Block(layer, "attn.qkv");
        return (_weights.ReadSingles(name + ".weight"), _model.Configuration.HasQueryKeyValueBias ? _weights.ReadSingles(name + ".bias") : []);
    }

    private float[] Checked(float[] pixels, int index)
    {
        if (pixels is null || pixels.Length != _model.ImageLength)
        {
            throw new ArgumentException($"image gave {pixels?.Length ?? 0} values for image {index}; the model takes {_model.ImageLength}. Resize or crop the images to its size.", "image");
        }

        return !IsOfOneColour(pixels, _model.Configuration.ChannelCount) ? pixels : throw new ArgumentException($"image {index} is of one colour; it says nothing about attention. Leave it out.", "image");
    }
}
