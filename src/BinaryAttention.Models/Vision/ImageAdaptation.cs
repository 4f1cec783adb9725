// What a model derives from its weights for the image size and the attention it is run with: the tokens before the patches are added, and each block's
// attention options.
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Vision;

internal static class ImageAdaptation
{
    /// <summary>Special tokens plus their positions, then the patch positions, fitted to the grid: <c>[tokens, width]</c>.</summary>
    public static AlignedBuffer<float> Tokens(VisionTransformerWeights weights, VisionTransformerConfiguration target, PositionResize filter)
    {
        VisionTransformerConfiguration stored = weights.Configuration;
        int special = stored.SpecialTokenCount * stored.Width;
        var tokens = new AlignedBuffer<float>(target.TokenCount * target.Width);
        for (int i = 0; i < special; i++)
        {
            tokens.Span[i] = weights.SpecialTokens[i] + weights.PositionEmbedding[i];
        }

        ReadOnlySpan<float> positions = weights.PositionEmbedding.AsSpan(special);
        bool same = stored.GridHeight == target.GridHeight && stored.GridWidth == target.GridWidth;
        ReadOnlySpan<float> fitted = same ? positions : PositionEmbeddingResampling.Resize(positions, stored.GridHeight, stored.GridWidth, target.GridHeight, target.GridWidth, stored.Width, filter);
        fitted.CopyTo(tokens.Span[special..]);
        return tokens;
    }

    /// <summary>The options of every block's attention, with layout, bias, kernel and thread limit filled in.</summary>
    /// <exception cref="NotSupportedException">A relative-position table would have to be fitted from or to a grid that is not square.</exception>
    public static LayerRun[] Attention(VisionTransformerWeights weights, VisionTransformerConfiguration target, VisionTransformerOptions options)
    {
        IReadOnlyList<LayerAttention> layers = options.Attention.ForDepth(target.Depth);
        if (target.Calibration is null && layers.Any(static layer => layer.IsCalibrated))
        {
            throw new ArgumentException("The attention is Calibrated, but the checkpoint holds no codes. Calibrate it first, or choose OneBit.", nameof(options));
        }

        var result = new LayerRun[target.Depth];
        for (int block = 0; block < result.Length; block++)
        {
            LayerAttention layer = layers[block];
            AttentionBias? bias = layer.UseRelativeBias && weights.RelativeTables.Length > 0 ? Bias(weights, target, block) : null;
            CalibratedAttention? calibrated = layer.IsCalibrated ? weights.Blocks[block].Calibrated : null;
            AttentionOptions chosen = calibrated is not null ? calibrated.Bind(layer.Binary!)
                : layer.IsCalibrated ? Kept(target.Calibration!, block, layer.Binary!.Quantization)
                : layer.EightBitOptions ?? (AttentionOptions?)layer.Binary ?? new AttentionOptions();
            AttentionOptions bound = chosen with
            {
                Bias = bias,
                Layout = TensorLayout.TokenHeadDimension,
                Kernel = layer.Kernel ?? layer.Binary?.Kernel,
                MaxDegreeOfParallelism = options.MaxDegreeOfParallelism,
            };
            result[block] = new LayerRun(bound, calibrated is not null);
        }

        return result;
    }

    // A layer of a calibrated checkpoint without codes. What training code quantised has no 8-bit form.
    private static AttentionOptions Kept(CalibratedForm form, int block, ValueQuantization quantization) => form.EightBitLayers.Contains(block)
        ? new EightBitAttentionOptions { Quantization = quantization == ValueQuantization.Full ? ValueQuantization.Full : ValueQuantization.Tiled }
        : new AttentionOptions();

    private static AttentionBias Bias(VisionTransformerWeights weights, VisionTransformerConfiguration target, int block)
    {
        VisionTransformerConfiguration stored = weights.Configuration;
        float[] table = weights.RelativeTables[block];
        if (stored.GridHeight != target.GridHeight || stored.GridWidth != target.GridWidth)
        {
            if (stored.GridHeight != stored.GridWidth || target.GridHeight != target.GridWidth)
            {
                throw new NotSupportedException($"Relative-position tables are resized between square grids alone; the checkpoint has {stored.GridHeight} x {stored.GridWidth} patches and the images {target.GridHeight} x {target.GridWidth}. Use square images, or set UseRelativeBias to false.");
            }

            table = RelativeTableResampling.Resize(table, stored.GridHeight, target.GridHeight, stored.HeadCount);
        }

        return AttentionBias.RelativePosition(table, stored.HeadCount, target.GridHeight, target.GridWidth);
    }
}
