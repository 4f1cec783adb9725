// One pre-norm transformer block (ViT):   x += proj(attention(norm1(x)));   x += fc2(f(fc1(norm2(x)))), f GELU or ReLU.
// What stands between two attentions treats every row on its own, so it runs as one stage over blocks of rows: project, then attention over all rows, then finish.
using BinaryAttention.Models.LinearAlgebra;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Layers;

internal sealed unsafe class TransformerBlock(LayerNorm firstNorm, Linear queryKeyValue, CalibratedAttention? calibrated, Linear projection, LayerNorm secondNorm, Linear expand, Linear contract, MatrixEpilogue activation)
{
    /// <summary>The one-bit form of a calibrated checkpoint, if the block has one.</summary>
    public CalibratedAttention? Calibrated => calibrated;

    /// <summary>Channels of a token.</summary>
    public int Width => firstNorm.Width;

    /// <summary>Channels of a query: all heads together.</summary>
    public int AttentionWidth => projection.Inputs;

    public int HiddenWidth => expand.Outputs;

    /// <summary>Quantises the weights of all linear layers if that has not happened yet.</summary>
    public void PrepareEightBit()
    {
        queryKeyValue.PrepareEightBit();
        projection.PrepareEightBit();
        expand.PrepareEightBit();
        contract.PrepareEightBit();
    }

    /// <summary>From tokens to queries, keys and values, side by side in every row.</summary>
    /// <param name="tokens"><c>[rows, Width]</c>.</param>
    /// <param name="projected">Receives <c>[rows, 3 * AttentionWidth]</c>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="precision">Numbers of the linear layers.</param>
    /// <param name="scratch">The worker's memory.</param>
    public void Project(float* tokens, float* projected, int rows, LinearPrecision precision, RowScratch scratch)
    {
        firstNorm.Forward(tokens, scratch.Normalised, rows);
        queryKeyValue.Forward(scratch.Normalised, projected, rows, MatrixEpilogue.None, precision, scratch);
    }

    /// <summary>From tokens to the codes and values of a calibrated checkpoint, in float32; the normalised tokens are kept.</summary>
    /// <param name="tokens"><c>[rows, Width]</c>.</param>
    /// <param name="normalised">Receives <c>[rows, Width]</c>.</param>
    /// <param name="projected">Receives <c>[rows, Calibrated.OutputCount]</c>.</param>
    /// <param name="rows">Rows.</param>
    public void ProjectCodes(float* tokens, float* normalised, float* projected, int rows)
    {
        Normalise(tokens, normalised, rows);
        calibrated!.Project(normalised, projected, rows);
    }

    /// <summary>The tokens as the projections get them.</summary>
    public void Normalise(float* tokens, float* normalised, int rows) => firstNorm.Forward(tokens, normalised, rows);

    /// <summary>Adds the projected attention and the perceptron to the tokens.</summary>
    /// <param name="attended"><c>[rows, AttentionWidth]</c>.</param>
    /// <param name="tokens"><c>[rows, Width]</c>, added to.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="precision">Numbers of the linear layers.</param>
    /// <param name="scratch">The worker's memory.</param>
    public void Finish(float* attended, float* tokens, int rows, LinearPrecision precision, RowScratch scratch)
    {
        projection.Forward(attended, tokens, rows, MatrixEpilogue.Add, precision, scratch);
        secondNorm.Forward(tokens, scratch.Normalised, rows);
        expand.Forward(scratch.Normalised, scratch.Wide, rows, activation, precision, scratch);
        contract.Forward(scratch.Wide, tokens, rows, MatrixEpilogue.Add, precision, scratch);
    }
}
