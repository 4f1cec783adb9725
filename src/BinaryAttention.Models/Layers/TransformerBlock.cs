// One pre-norm transformer block (ViT):   x += proj(attention(norm1(x)));   x += mlp(norm2(x)).
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal sealed class TransformerBlock(LayerNorm firstNorm, SelfAttention attention, Linear projection, LayerNorm secondNorm, Mlp mlp)
{
    /// <summary>The one-bit form of a calibrated checkpoint, if the block has one.</summary>
    public CalibratedAttention? Calibrated => attention.Calibrated;

    /// <summary>Runs the block over every token, in place.</summary>
    public void Forward(BlockBuffers buffers, int batchSize, int tokenCount, IAttentionBackend backend, LayerRun run, int threads, CancellationToken cancellationToken)
    {
        Attend(buffers, batchSize, tokenCount, onlyFirstTokens: false, backend, run, threads, cancellationToken);
        Finish(buffers, batchSize * tokenCount, threads, cancellationToken);
    }

    /// <summary>
    /// Runs the block but finishes only the first tokens of every image, which are left densely packed: a classifier reads nothing else of its
    /// last block.
    /// </summary>
    public void ForwardFirstTokens(BlockBuffers buffers, int batchSize, int tokenCount, int firstTokens, IAttentionBackend backend, LayerRun run, int threads, CancellationToken cancellationToken)
    {
        Attend(buffers, batchSize, tokenCount, onlyFirstTokens: true, backend, run, threads, cancellationToken);
        for (int item = 1; item < batchSize; item++)
        {
            MoveRows(buffers.Tokens, item * tokenCount, item * firstTokens, firstTokens, firstNorm.Width);
            MoveRows(buffers.Attended, item * tokenCount, item * firstTokens, firstTokens, attention.InnerWidth);
        }

        Finish(buffers, batchSize * firstTokens, threads, cancellationToken);
    }

    private static void MoveRows(Span<float> rows, int source, int target, int count, int width) => rows.Slice(source * width, count * width).CopyTo(rows[(target * width)..]);

    private void Attend(BlockBuffers buffers, int batchSize, int tokenCount, bool onlyFirstTokens, IAttentionBackend backend, LayerRun run, int threads, CancellationToken cancellationToken)
    {
        int rows = batchSize * tokenCount;
        firstNorm.Forward(buffers.Tokens, buffers.Normalised, rows, threads, cancellationToken);
        attention.Forward(buffers.Normalised, buffers.Wide, buffers.Attended, batchSize, tokenCount, onlyFirstTokens, backend, run, threads, cancellationToken);
    }

    private void Finish(BlockBuffers buffers, int rows, int threads, CancellationToken cancellationToken)
    {
        projection.Forward(buffers.Attended, buffers.Tokens, rows, MatrixEpilogue.Add, threads, cancellationToken);
        secondNorm.Forward(buffers.Tokens, buffers.Normalised, rows, threads, cancellationToken);
        mlp.Forward(buffers.Normalised, buffers.Wide, buffers.Tokens, rows, threads, cancellationToken);
    }
}
