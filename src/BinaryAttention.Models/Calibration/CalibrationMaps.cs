using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

/// <summary>What the class token attends to on one image in every layer and head: exactly, by the signs of queries and keys as they are, and by codes. All on the activations of the exact model.</summary>
public sealed class CalibrationMaps
{
    private CalibrationMaps(int length) => (Exact, Naive, Calibrated) = (new float[length], new float[length], new float[length]);

    /// <summary>Exact probabilities from the class token to the patches, <c>[layers, heads, patches]</c>; what goes to the special tokens is left out.</summary>
    public float[] Exact { get; }

    /// <summary>The same by the signs of queries and keys.</summary>
    public float[] Naive { get; }

    /// <summary>The same by the codes; layers without codes, and exact class rows, have the exact row.</summary>
    public float[] Calibrated { get; }

    /// <summary>Runs the exact model over one image.</summary>
    /// <param name="model">The model that was calibrated.</param>
    /// <param name="weights">Its checkpoint.</param>
    /// <param name="codes">The codes.</param>
    /// <param name="image">Normalised pixels of one image.</param>
    /// <param name="checkpoint">As the model was loaded.</param>
    /// <param name="cancellationToken">Checked between layers.</param>
    /// <exception cref="ArgumentException">The image has another length, or an activation is not finite.</exception>
    public static CalibrationMaps Capture(VisionTransformer model, WeightSource weights, ModelCodes codes, float[] image, CheckpointOptions? checkpoint = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(image);
        if (image.Length != model.ImageLength)
        {
            throw new ArgumentException($"image has {image.Length} values; one image of {model.ImageLength} is expected.", nameof(image));
        }

        WeightSource source = VitPytorchSource.Adapt(ModelPrefix.Select(weights, checkpoint?.Prefix), checkpoint?.ChannelCount ?? model.Configuration.ChannelCount);
        VisionTransformerConfiguration sizes = model.Configuration;
        float[][][] inputs = ActivationCapture.Run(model, 0, sizes.Depth, 1, _ => image, cancellationToken);
        int heads = sizes.HeadCount, d = sizes.HeadDimension, tokens = sizes.TokenCount, patches = tokens - sizes.SpecialTokenCount;
        var maps = new CalibrationMaps(checked(sizes.Depth * heads * patches));
        for (int layer = 0; layer < sizes.Depth; layer++)
        {
            string name = CheckpointNames.Block(layer, "attn.qkv");
            float[] weight = source.ReadSingles(name + ".weight"), bias = sizes.HasQueryKeyValueBias ? source.ReadSingles(name + ".bias") : [];
            LayerCodes? own = codes.Form.HasExactSpecialRows ? null : codes.Layers.FirstOrDefault(codes => codes.Layer == layer);
            for (int head = 0; head < heads; head++)
            {
                var projections = HeadProjections.Cut(weight, bias, head, d, sizes.AttentionWidth);
                float[][] query = HeadActivations.Project(inputs[layer], tokens, projections.Query, projections.QueryBias, d), key = HeadActivations.Project(inputs[layer], tokens, projections.Key, projections.KeyBias, d);
                var activations = new HeadActivations(query, key, DenseProduct.Pitch(d), tokens, d, inputs[layer]);
                int first = ((layer * heads) + head) * patches;
                Row(activations, ClosedForm.Naive(activations), maps.Naive.AsSpan(first, patches), maps.Exact.AsSpan(first, patches));
                if (own is null)
                {
                    maps.Exact.AsSpan(first, patches).CopyTo(maps.Calibrated.AsSpan(first));
                }
                else
                {
                    Row(activations, own.Head(head, codes.Form), maps.Calibrated.AsSpan(first, patches), maps.Exact.AsSpan(first, patches));
                }
            }
        }

        return maps;
    }

    // The first row alone: its weight stands for the number of rows.
    private static void Row(HeadActivations head, HeadCode code, Span<float> byCodes, Span<float> exact)
    {
        var rows = new AttentionRows(head.TokenCount, head.Dimension, code.Pitch, code.RankPitch, queryRows: 1);
        rows.ComputeExact(head, 0, 1);
        rows.ComputeCodes(code, head, 0, 1);
        rows.ComputeProbabilities(code.Temperature, [1]);
        rows.Probabilities.AsSpan(head.TokenCount - byCodes.Length, byCodes.Length).CopyTo(byCodes);
        rows.Exact.AsSpan(head.TokenCount - exact.Length, exact.Length).CopyTo(exact);
    }
}
