using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Metrics;

/// <summary>
/// The attention maps of a model on one image, for pictures of them: the class token's row in every layer and head, and the whole maps of chosen heads. Exact and one-bit attention see the same
/// queries and keys, those of the exact model.
/// </summary>
public sealed class VisionTransformerMaps
{
    private VisionTransformerMaps(int layers, int heads, int patches)
    {
        PatchCount = patches;
        ExactClassRows = new float[checked(layers * heads * patches)];
        BinaryClassRows = new float[ExactClassRows.Length];
    }

    /// <summary>Patches of the image.</summary>
    public int PatchCount { get; }

    /// <summary>Exact probabilities from the class token to the patches, <c>[layers, heads, patches]</c>; what goes to the special tokens is left out.</summary>
    public float[] ExactClassRows { get; }

    /// <summary>The same of one-bit attention.</summary>
    public float[] BinaryClassRows { get; }

    /// <summary>The maps of the chosen heads, by layer and head.</summary>
    public IReadOnlyList<HeadMaps> Heads { get; private set; } = [];

    /// <summary>Runs the exact model over one image and keeps the maps.</summary>
    /// <param name="model">The model; its weights, image size and thread limit are used, its own choice of attention is not.</param>
    /// <param name="binary">The one-bit attention of every layer; an exact layer has the exact map twice.</param>
    /// <param name="image">Normalised pixels <c>[channels, height, width]</c> of one image.</param>
    /// <param name="heads">Heads whose whole maps are wanted, as pairs of layer and head from 0.</param>
    /// <param name="maxSide">Most cells along a side of those maps, at least 1.</param>
    /// <param name="cancellationToken">Checked between layers and inside the attention.</param>
    /// <exception cref="ArgumentException">The image has another length, there is no such head, or the choice was made for another depth or holds calibrated or 8-bit layers.</exception>
    public static VisionTransformerMaps Capture(VisionTransformer model, AttentionChoice binary, ReadOnlySpan<float> image, IReadOnlyCollection<(int Layer, int Head)> heads, int maxSide = 256, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(binary);
        ArgumentNullException.ThrowIfNull(heads);
        VisionTransformerConfiguration configuration = model.Configuration;
        foreach ((int layer, int head) in heads)
        {
            if (layer < 0 || layer >= configuration.Depth || head < 0 || head >= configuration.HeadCount)
            {
                throw new ArgumentOutOfRangeException(nameof(heads), $"({layer}, {head})", $"Expected layers 0 to {configuration.Depth - 1} and heads 0 to {configuration.HeadCount - 1}.");
            }
        }

        if (image.Length != model.ImageLength)
        {
            throw new ArgumentException($"image has {image.Length} values; one image of {model.ImageLength} is expected.", nameof(image));
        }

        IReadOnlyList<LayerAttention> layers = binary.ForDepth(configuration.Depth);
        VisionTransformerFidelity.RefuseOtherForms(layers, nameof(binary));
        var maps = new VisionTransformerMaps(configuration.Depth, configuration.HeadCount, configuration.TokenCount - configuration.SpecialTokenCount);
        var observer = new Observer(maps, layers, [.. heads], configuration.SpecialTokenCount, maxSide);
        model.With(model.Options with { Attention = VisionTransformerFidelity.ExactSide(layers), Observer = observer }).Forward(image, cancellationToken);
        maps.Heads = observer.Heads;
        return maps;
    }

    private sealed class Observer(VisionTransformerMaps maps, IReadOnlyList<LayerAttention> layers, HashSet<(int Layer, int Head)> chosen, int specialTokens, int maxSide) : IAttentionObserver
    {
        public List<HeadMaps> Heads { get; } = [];

        public void Observe(int layer, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, in AttentionShape shape, AttentionOptions options, CancellationToken cancellationToken)
        {
            AttentionOptions binary = VisionTransformerFidelity.Bind(layers[layer], options) ?? options;
            CopyPatches(AttentionMap.FirstRows(query, key, shape, options, 1, cancellationToken), maps.ExactClassRows, layer, shape);
            CopyPatches(AttentionMap.FirstRows(query, key, shape, binary, 1, cancellationToken), maps.BinaryClassRows, layer, shape);
            for (int head = 0; head < shape.HeadCount; head++)
            {
                if (chosen.Contains((layer, head)))
                {
                    Heads.Add(new HeadMaps(
                        layer,
                        head,
                        AttentionMap.Compute(query, key, shape, options, 0, head, maxSide, cancellationToken),
                        AttentionMap.Compute(query, key, shape, binary, 0, head, maxSide, cancellationToken)));
                }
            }
        }

        private void CopyPatches(float[] rows, float[] target, int layer, in AttentionShape shape)
        {
            for (int head = 0; head < shape.HeadCount; head++)
            {
                rows.AsSpan((head * shape.KeyLength) + specialTokens, maps.PatchCount).CopyTo(target.AsSpan(((layer * shape.HeadCount) + head) * maps.PatchCount));
            }
        }
    }
}
