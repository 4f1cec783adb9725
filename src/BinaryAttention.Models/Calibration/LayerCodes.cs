using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

/// <summary>The codes found for one layer, as a calibrated checkpoint holds them, and how well they do.</summary>
/// <param name="Layer">The layer, from 0.</param>
/// <param name="Weight">The code projection <c>[outputs, width]</c>: for all heads the codes of queries, of keys, the bias per key, the float factors of queries and of keys.</param>
/// <param name="Bias">Its bias <c>[outputs]</c>.</param>
/// <param name="Temperature">One number per head.</param>
/// <param name="NaiveDivergence">Weighted Kullback-Leibler divergence of the attention rows from the exact ones when the signs of queries and keys are taken as they are, mean over heads and 16 of the images (all if there are fewer), spread evenly, in nats.</param>
/// <param name="Divergence">The same by these codes.</param>
public sealed record LayerCodes(int Layer, float[] Weight, float[] Bias, float[] Temperature, double NaiveDivergence, double Divergence)
{
    /// <summary>Lays the codes of all heads out as one projection.</summary>
    internal static LayerCodes Create(int layer, IReadOnlyList<HeadCode> heads, double naiveDivergence, double divergence)
    {
        int width = heads[0].QueryInputs, codes = heads[0].CodeLength, rank = heads[0].Rank, count = heads.Count;
        int outputs = count * ((2 * codes) + 1 + (2 * rank));
        float[] weight = new float[checked(outputs * width)], bias = new float[outputs];
        for (int head = 0; head < count; head++)
        {
            HeadCode code = heads[head];
            Rows(code.QueryWeight, code.QueryBias, code.Pitch, codes, head * codes);
            Rows(code.KeyWeight, code.KeyBias, code.Pitch, codes, (count + head) * codes);
            int biasRow = (2 * count * codes) + head;
            code.BiasWeight.CopyTo(weight, biasRow * width);
            bias[biasRow] = code.BiasOffset;
            int factors = count * ((2 * codes) + 1);
            Rows(code.QueryFactor, code.QueryFactorBias, code.RankPitch, rank, factors + (head * rank));
            Rows(code.KeyFactor, code.KeyFactorBias, code.RankPitch, rank, factors + ((count + head) * rank));
        }

        return new LayerCodes(layer, weight, bias, [.. heads.Select(static head => head.Temperature)], naiveDivergence, divergence);

        void Rows(float[] matrix, float[] offsets, int pitch, int columns, int firstRow)
        {
            for (int column = 0; column < columns; column++)
            {
                for (int input = 0; input < width; input++)
                {
                    weight[((firstRow + column) * width) + input] = matrix[(input * pitch) + column];
                }

                bias[firstRow + column] = offsets[column];
            }
        }
    }

    /// <summary>The codes of one head, taken out of the projection again.</summary>
    internal HeadCode Head(int head, CalibratedForm form)
    {
        int count = Temperature.Length, width = Weight.Length / Bias.Length, codes = form.CodeLength, rank = form.Rank;
        var code = new HeadCode(width, width, codes, rank) { QueryPlanes = form.QueryPlanes, KeyPlanes = form.KeyPlanes, WeightsKeys = form.WeightsKeys, Temperature = Temperature[head], IsFolded = true };
        Columns(code.QueryWeight, code.QueryBias, code.Pitch, codes, head * codes);
        Columns(code.KeyWeight, code.KeyBias, code.Pitch, codes, (count + head) * codes);
        int biasRow = (2 * count * codes) + head, factors = count * ((2 * codes) + 1);
        Weight.AsSpan(biasRow * width, width).CopyTo(code.BiasWeight);
        code.BiasOffset = Bias[biasRow];
        Columns(code.QueryFactor, code.QueryFactorBias, code.RankPitch, rank, factors + (head * rank));
        Columns(code.KeyFactor, code.KeyFactorBias, code.RankPitch, rank, factors + ((count + head) * rank));
        return code;

        void Columns(float[] matrix, float[] offsets, int pitch, int columns, int firstRow)
        {
            for (int column = 0; column < columns; column++)
            {
                for (int input = 0; input < width; input++)
                {
                    matrix[(input * pitch) + column] = Weight[((firstRow + column) * width) + input];
                }

                offsets[column] = Bias[firstRow + column];
            }
        }
    }
}
