// The codes of one head: what turns a token into the signs, the bias and the float factors of its logits.
//
//   a_i = x_i QueryWeight + QueryBias        b_j = y_j KeyWeight + KeyBias        c_j = y_j BiasWeight + BiasOffset
//   logit_ij = Temperature * logitScale * code(a_i) . code(b_j) + c_j + logitScale * (x_i QueryFactor + ..) . (y_j KeyFactor + ..)
//
// x and y are the head's queries and keys, or, once the projections are folded in, the input of the layer. Matrices are [inputs, pitch] (DenseProduct).
namespace BinaryAttention.Models.Calibration;

internal sealed class HeadCode
{
    public HeadCode(int queryInputs, int keyInputs, int codeLength, int rank)
    {
        (QueryInputs, KeyInputs, CodeLength, Rank) = (queryInputs, keyInputs, codeLength, rank);
        (Pitch, RankPitch) = (DenseProduct.Pitch(codeLength), DenseProduct.Pitch(rank));
        (QueryWeight, KeyWeight) = (new float[queryInputs * Pitch], new float[keyInputs * Pitch]);
        (QueryBias, KeyBias) = (new float[Pitch], new float[Pitch]);
        BiasWeight = new float[keyInputs];
        (QueryFactor, KeyFactor) = (new float[queryInputs * RankPitch], new float[keyInputs * RankPitch]);
        (QueryFactorBias, KeyFactorBias) = (new float[RankPitch], new float[RankPitch]);
    }

    public int QueryInputs { get; }

    public int KeyInputs { get; }

    /// <summary>Signs per token and plane.</summary>
    public int CodeLength { get; }

    public int Rank { get; }

    public int Pitch { get; }

    public int RankPitch { get; }

    public float[] QueryWeight { get; }

    public float[] QueryBias { get; }

    public float[] KeyWeight { get; }

    public float[] KeyBias { get; }

    public float[] BiasWeight { get; }

    /// <summary>Moves all biases of a head alike, which the softmax does not see; it keeps them near 0.</summary>
    public float BiasOffset { get; set; }

    public float[] QueryFactor { get; }

    public float[] QueryFactorBias { get; }

    public float[] KeyFactor { get; }

    public float[] KeyFactorBias { get; }

    public float Temperature { get; set; } = 1;

    /// <summary>Whether the inputs are those of the layer rather than the head's queries and keys.</summary>
    public bool IsFolded { get; init; }

    public int QueryPlanes { get; init; } = 1;

    public int KeyPlanes { get; init; } = 1;

    /// <summary>Whether keys are weighted by their mean magnitude. A second plane needs it.</summary>
    public bool WeightsKeys { get; init; }

    /// <summary>The same codes made from the input of the projections: <c>q = h Wq^T + bq</c> and the same for keys.</summary>
    /// <param name="queryProjection">Rows of this head <c>[queryInputs, width]</c>.</param>
    /// <param name="queryBias">Bias of these rows, or empty.</param>
    /// <param name="keyProjection">Rows of this head <c>[keyInputs, width]</c>.</param>
    /// <param name="keyBias">Bias of these rows, or empty.</param>
    public HeadCode FoldIn(ReadOnlySpan<float> queryProjection, ReadOnlySpan<float> queryBias, ReadOnlySpan<float> keyProjection, ReadOnlySpan<float> keyBias)
    {
        int width = queryProjection.Length / QueryInputs;
        var folded = new HeadCode(width, keyProjection.Length / KeyInputs, CodeLength, Rank)
        {
            QueryPlanes = QueryPlanes, KeyPlanes = KeyPlanes, WeightsKeys = WeightsKeys, Temperature = Temperature, BiasOffset = BiasOffset, IsFolded = true,
        };
        Fold(queryProjection, queryBias, QueryInputs, width, QueryWeight, QueryBias, Pitch, folded.QueryWeight, folded.QueryBias);
        Fold(keyProjection, keyBias, KeyInputs, folded.KeyInputs, KeyWeight, KeyBias, Pitch, folded.KeyWeight, folded.KeyBias);
        Fold(queryProjection, queryBias, QueryInputs, width, QueryFactor, QueryFactorBias, RankPitch, folded.QueryFactor, folded.QueryFactorBias);
        Fold(keyProjection, keyBias, KeyInputs, folded.KeyInputs, KeyFactor, KeyFactorBias, RankPitch, folded.KeyFactor, folded.KeyFactorBias);
        for (int channel = 0; channel < KeyInputs; channel++)
        {
            for (int i = 0; i < folded.KeyInputs; i++)
            {
                folded.BiasWeight[i] += BiasWeight[channel] * keyProjection[(channel * folded.KeyInputs) + i];
            }

            folded.BiasOffset += keyBias.IsEmpty ? 0 : BiasWeight[channel] * keyBias[channel];
        }

        return folded;
    }

    public HeadCode Clone()
    {
        var copy = new HeadCode(QueryInputs, KeyInputs, CodeLength, Rank) { QueryPlanes = QueryPlanes, KeyPlanes = KeyPlanes, WeightsKeys = WeightsKeys, Temperature = Temperature, BiasOffset = BiasOffset, IsFolded = IsFolded };
        float[][] from = Tensors(), to = copy.Tensors();
        for (int i = 0; i < from.Length; i++)
        {
            from[i].CopyTo(to[i], 0);
        }

        return copy;
    }

    /// <summary>All tensors, in a fixed order.</summary>
    public float[][] Tensors() => [QueryWeight, QueryBias, KeyWeight, KeyBias, BiasWeight, QueryFactor, QueryFactorBias, KeyFactor, KeyFactorBias];

    private static void Fold(ReadOnlySpan<float> projection, ReadOnlySpan<float> projectionBias, int channels, int width, float[] matrix, float[] bias, int pitch, float[] foldedMatrix, float[] foldedBias)
    {
        if (pitch == 0)
        {
            return;
        }

        DenseProduct.Multiply(projection, 1, width, matrix, foldedMatrix, width, channels, pitch);
        bias.CopyTo(foldedBias, 0);
        if (!projectionBias.IsEmpty)
        {
            DenseProduct.Multiply(projectionBias, channels, 1, matrix, foldedBias, 1, channels, pitch, add: true);
        }
    }
}
