// Multi-head self-attention between its two projections. The fused projection leaves [tokens, 3 * inner] with query, key and value side by side, inner being all
// heads together (the width of the model in most, but not in all); the backend
// reads all three in place through the token stride, and nothing of size tokens x tokens exists.
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Layers;

internal sealed class SelfAttention(Linear queryKeyValue, int headCount, CalibratedAttention? calibrated = null)
{
    /// <summary>The one-bit form of a calibrated checkpoint, if the layer has one.</summary>
    public CalibratedAttention? Calibrated => calibrated;

    /// <summary>Channels of a query: all heads together.</summary>
    public int InnerWidth => queryKeyValue.Outputs / 3;

    /// <summary>The fused projection and the attention; the output projection is left to the block.</summary>
    /// <param name="normalised"><c>[batchSize * tokenCount, width]</c>.</param>
    /// <param name="projected">Room for <c>[batchSize * tokenCount, 3 * InnerWidth]</c>.</param>
    /// <param name="attended">Receives <c>[batchSize * tokenCount, InnerWidth]</c>.</param>
    /// <param name="batchSize">Images.</param>
    /// <param name="tokenCount">Tokens of an image.</param>
    /// <param name="onlyFirstTokens">Whether the rows of all but the special tokens are not needed.</param>
    /// <param name="backend">What computes the attention.</param>
    /// <param name="run">Exact options or one-bit options, bound to this layer.</param>
    /// <param name="threads">Most threads, at least 1.</param>
    /// <param name="cancellationToken">Checked while the attention runs.</param>
    public void Forward(ReadOnlySpan<float> normalised, Span<float> projected, Span<float> attended, int batchSize, int tokenCount, bool onlyFirstTokens, IAttentionBackend backend, LayerRun run, int threads, CancellationToken cancellationToken)
    {
        int rows = batchSize * tokenCount;
        int width = InnerWidth;
        (backend as ObservedAttentionBackend)?.ObserveInput(normalised, batchSize, tokenCount, cancellationToken);
        if (run.IsCalibrated)
        {
            calibrated!.Forward(normalised, projected, attended, batchSize, tokenCount, onlyFirstTokens, backend, (BinaryAttentionOptions)run.Options, threads, cancellationToken);
            return;
        }

        queryKeyValue.Forward(normalised, projected, rows, threads: threads, cancellationToken: cancellationToken);
        var shape = new AttentionShape(batchSize, headCount, tokenCount, tokenCount, width / headCount, width / headCount)
        {
            QueryTokenStride = 3 * width,
            KeyTokenStride = 3 * width,
            ValueTokenStride = 3 * width,
        };
        ReadOnlySpan<float> fused = projected[..(rows * 3 * width)];
        if (run.Options is BinaryAttentionOptions binary)
        {
            backend.BinaryScaledDotProduct(fused, fused[width..], fused[(2 * width)..], attended, shape, binary, default, cancellationToken);
        }
        else
        {
            backend.ScaledDotProduct(fused, fused[width..], fused[(2 * width)..], attended, shape, run.Options, default, cancellationToken);
        }
    }
}
