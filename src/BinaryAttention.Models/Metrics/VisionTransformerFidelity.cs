// Per layer and head: exact against one-bit attention on the operands of the exact model. Every layer is judged on what it would really see, and no layer pays for
// the errors of those before it. Memory is that of one layer.
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Metrics;

/// <summary>
/// Runs a model with exact attention over images and compares each layer's exact attention with its one-bit attention on the same queries, keys and values, as the model streams them
/// (<see cref="IAttentionObserver"/>). One instance measures on one thread at a time.
/// </summary>
public sealed class VisionTransformerFidelity
{
    private readonly VisionTransformer _model;
    private readonly Observer _observer;

    /// <summary>Prepares measurements.</summary>
    /// <param name="model">The model; its weights, image size and thread limit are used, its own choice of attention is not.</param>
    /// <param name="binary">The one-bit attention of every layer that is measured; exact layers come out without error.</param>
    /// <exception cref="ArgumentException">The choice was made for another depth, or holds calibrated or 8-bit layers.</exception>
    public VisionTransformerFidelity(VisionTransformer model, AttentionChoice binary)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(binary);
        IReadOnlyList<LayerAttention> layers = binary.ForDepth(model.Configuration.Depth);
        RefuseOtherForms(layers, nameof(binary));
        _observer = new Observer(layers, model.Configuration);
        _model = model.With(model.Options with { Attention = ExactSide(layers), Observer = _observer });
    }

    /// <summary>Images measured so far.</summary>
    public int ImageCount => _observer.ImageCount;

    /// <summary>Layers.</summary>
    public int LayerCount => _model.Configuration.Depth;

    /// <summary>Heads of every layer.</summary>
    public int HeadCount => _model.Configuration.HeadCount;

    /// <summary>Measures images and adds them to the figures.</summary>
    /// <param name="images">Normalised pixels <c>[batch, channels, height, width]</c>.</param>
    /// <param name="cancellationToken">Checked between layers and inside the attention; a cancelled call leaves figures behind that must not be used.</param>
    /// <returns>The exact model's logits <c>[batch, classes]</c>.</returns>
    /// <exception cref="ArgumentException">The length is no whole number of images.</exception>
    public float[] Add(ReadOnlySpan<float> images, CancellationToken cancellationToken = default) => _model.Forward(images, cancellationToken);

    /// <summary>The mean figures of one head over the images.</summary>
    /// <param name="layer">The layer, from 0.</param>
    /// <param name="head">The head, from 0.</param>
    /// <exception cref="ArgumentException">No image was measured.</exception>
    public HeadFidelity Mean(int layer, int head)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, LayerCount);
        ArgumentOutOfRangeException.ThrowIfNegative(head);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(head, HeadCount);
        return HeadFidelity.Mean(_observer.Measurements[layer, head]);
    }

    /// <summary>The exact attention that stands against one-bit layers: the same biases, other kernels.</summary>
    internal static AttentionChoice ExactSide(IReadOnlyList<LayerAttention> layers) =>
        AttentionChoice.PerLayer(layers.Select(static layer => layer is { Binary: null, EightBitOptions: null } ? layer : LayerAttention.Exact with { UseRelativeBias = layer.UseRelativeBias }));

    /// <summary>Refuses layers that do not take the signs of the exact model's queries and keys.</summary>
    internal static void RefuseOtherForms(IReadOnlyList<LayerAttention> layers, string name)
    {
        if (layers.Any(static layer => layer.IsCalibrated))
        {
            throw new ArgumentException("binary holds a calibrated layer; its codes take the place of queries and keys, which are compared here. Compare the outputs of the models instead.", name);
        }

        if (layers.Any(static layer => layer.EightBitOptions is not null))
        {
            throw new ArgumentException("binary holds an 8-bit layer; one-bit attention is compared with exact attention here. Compare the outputs of the models instead.", name);
        }
    }

    /// <summary>The one-bit options of a layer bound to the exact options that the model runs it with; null for an exact layer.</summary>
    internal static BinaryAttentionOptions? Bind(LayerAttention layer, AttentionOptions exact) => layer.Binary is not { } binary ? null : binary with
    {
        Bias = exact.Bias,
        Mask = exact.Mask,
        Layout = exact.Layout,
        MaxDegreeOfParallelism = exact.MaxDegreeOfParallelism,
        Kernel = layer.Kernel ?? binary.Kernel,
    };

    private sealed class Observer : IAttentionObserver
    {
        private readonly IReadOnlyList<LayerAttention> _layers;
        private readonly int _specialTokens;

        public Observer(IReadOnlyList<LayerAttention> layers, VisionTransformerConfiguration configuration)
        {
            (_layers, _specialTokens) = (layers, configuration.SpecialTokenCount);
            Measurements = new List<HeadFidelity>[configuration.Depth, configuration.HeadCount];
            for (int layer = 0; layer < configuration.Depth; layer++)
            {
                for (int head = 0; head < configuration.HeadCount; head++)
                {
                    Measurements[layer, head] = [];
                }
            }
        }

        public int ImageCount => Measurements[_layers.Count - 1, 0].Count;

        public List<HeadFidelity>[,] Measurements { get; }

        public void Observe(int layer, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, in AttentionShape shape, AttentionOptions options, CancellationToken cancellationToken)
        {
            BinaryAttentionOptions? binary = Bind(_layers[layer], options);
            HeadFidelity[] figures = binary is null
                ? [.. Enumerable.Repeat(new HeadFidelity(0, 0, 1, 1, 0, 0, 0, 0), shape.BatchSize * shape.HeadCount)]
                : AttentionFidelity.Measure(query, key, value, shape, options, binary, _specialTokens, cancellationToken);
            for (int i = 0; i < figures.Length; i++)
            {
                Measurements[layer, i % shape.HeadCount].Add(figures[i]);
            }
        }
    }
}
