// Codes without learning (recipe A). With mq, mk the means of queries and keys and R a random rotation:
//
//   a = (q - mq) R^T     b = (k - mk) R^T     c_j = logitScale mq . k_j
//
// (q - mq).(k - mk) is binarised; what mq contributes stays exact as a bias per key; what mk contributes is the same for all keys of a row. A rank takes the strongest
// directions out of the codes and keeps them in float (LowRankSplit). Two rotations, one below the other, give codes of twice the length.
namespace BinaryAttention.Models.Calibration;

internal static class ClosedForm
{
    // Signs of Gaussians shrink small products by (2 / pi)^2, so the best factor lies between 1 and (pi / 2)^2 = 2.47.
    private static readonly float[] Factors = [0.75f, 1, 1.125f, 1.25f, 1.5f, 1.75f, 2, 2.25f, 2.5f, 3];

    // Enough tokens for one factor, spread over the images; more only cost time.
    private const int MostImages = 32;

    /// <summary>Codes of one head, made from its queries and keys.</summary>
    public static HeadCode Create(HeadActivations head, CalibrationOptions options, ReadOnlySpan<float> rowWeights, ulong seed)
    {
        int d = head.Dimension, blocks = options.CodeLengthFactor, rank = options.Rank;
        HeadMoments query = HeadMoments.Measure(head.ImageCount, head.Query, head.TokenCount, head.Stride, d, rank > 0);
        HeadMoments key = HeadMoments.Measure(head.ImageCount, head.Key, head.TokenCount, head.Stride, d, rank > 0);
        var code = new HeadCode(d, d, blocks * d, rank)
        {
            QueryPlanes = options.QueryPlanes,
            KeyPlanes = options.KeyPlanes,
            WeightsKeys = options.KeyWeights == KeyWeights.PerToken || options.KeyPlanes == 2,
        };
        LowRankSplit? split = rank > 0 ? LowRankSplit.Create(query.Covariance, key.Covariance, d, rank) : null;
        for (int block = 0; block < blocks; block++)
        {
            double[] rotation = RandomRotation.Create(d, seed + (0x632BE59BD9B4E019 * (ulong)block));
            Set(code.QueryWeight, code.QueryBias, code.Pitch, block * d, rotation, query.Mean, split?.QueryFactor, split?.KeyFactor, rank);
            Set(code.KeyWeight, code.KeyBias, code.Pitch, block * d, rotation, key.Mean, split?.KeyFactor, split?.QueryFactor, rank);
        }

        if (split is not null)
        {
            SetFactor(code.QueryFactor, code.QueryFactorBias, code.RankPitch, split.QueryFactor, query.Mean, rank);
            SetFactor(code.KeyFactor, code.KeyFactorBias, code.RankPitch, split.KeyFactor, key.Mean, rank);
        }

        double offset = 0;
        for (int channel = 0; channel < d; channel++)
        {
            code.BiasWeight[channel] = (float)(head.LogitScale * query.Mean[channel]);
            offset -= head.LogitScale * query.Mean[channel] * key.Mean[channel];
        }

        code.BiasOffset = (float)offset;
        FitTemperature(code, head, rowWeights, blocks);
        return code;
    }

    /// <summary>The codes that a model nobody calibrated has: signs of queries and keys as they are.</summary>
    public static HeadCode Naive(HeadActivations head)
    {
        int d = head.Dimension;
        var code = new HeadCode(d, d, d, 0);
        double sum = 0;
        for (int image = 0; image < head.ImageCount; image++)
        {
            for (int token = 0; token < head.TokenCount; token++)
            {
                sum += SignCode.MeanMagnitude(head.Key(image).Slice(token * head.Stride, d));
            }
        }

        for (int channel = 0; channel < d; channel++)
        {
            code.QueryWeight[(channel * code.Pitch) + channel] = code.KeyWeight[(channel * code.Pitch) + channel] = 1;
        }

        code.Temperature = (float)(sum / ((double)head.ImageCount * head.TokenCount));
        return code;
    }

    private static void FitTemperature(HeadCode code, HeadActivations head, ReadOnlySpan<float> rowWeights, int blocks)
    {
        var rows = new AttentionRows(head.TokenCount, head.Dimension, code.Pitch, code.RankPitch, rowWeights.Length);
        int images = Math.Min(MostImages, head.ImageCount);
        float keyMagnitude = 1;
        if (!code.WeightsKeys)
        {
            double sum = 0;
            for (int i = 0; i < images; i++)
            {
                rows.ComputeCodes(code, head, EvenSample.Place(i, images, head.ImageCount), 1);
                for (int token = 0; token < head.TokenCount; token++)
                {
                    sum += SignCode.MeanMagnitude(rows.KeyCodes.AsSpan(token * code.Pitch, code.CodeLength));
                }
            }

            keyMagnitude = (float)(sum / ((double)images * head.TokenCount));
        }

        var divergences = new double[Factors.Length];
        for (int sample = 0; sample < images; sample++)
        {
            int image = EvenSample.Place(sample, images, head.ImageCount);
            rows.ComputeExact(head, image, rowWeights.Length);
            rows.ComputeCodes(code, head, image, rowWeights.Length);
            for (int i = 0; i < Factors.Length; i++)
            {
                divergences[i] += rows.ComputeProbabilities(Factors[i] * keyMagnitude / blocks, rowWeights);
            }
        }

        code.Temperature = Factors[Array.IndexOf(divergences, divergences.Min())] * keyMagnitude / blocks;
    }

    // Column block of  (I - F G^T) R^T  and of  - mean (I - F G^T) R^T.
    private static void Set(float[] matrix, float[] bias, int pitch, int firstColumn, double[] rotation, double[] mean, double[]? factor, double[]? otherFactor, int rank)
    {
        int d = mean.Length;
        var turned = new double[rank * d];
        for (int r = 0; r < rank; r++)
        {
            for (int column = 0; column < d; column++)
            {
                for (int i = 0; i < d; i++)
                {
                    turned[(r * d) + column] += otherFactor![(i * rank) + r] * rotation[(column * d) + i];
                }
            }
        }

        for (int column = 0; column < d; column++)
        {
            double shift = 0;
            for (int channel = 0; channel < d; channel++)
            {
                double value = rotation[(column * d) + channel];
                for (int r = 0; r < rank; r++)
                {
                    value -= factor![(channel * rank) + r] * turned[(r * d) + column];
                }

                matrix[(channel * pitch) + firstColumn + column] = (float)value;
                shift -= mean[channel] * value;
            }

            bias[firstColumn + column] = (float)shift;
        }
    }

    private static void SetFactor(float[] matrix, float[] bias, int pitch, double[] factor, double[] mean, int rank)
    {
        for (int r = 0; r < rank; r++)
        {
            double shift = 0;
            for (int channel = 0; channel < mean.Length; channel++)
            {
                matrix[(channel * pitch) + r] = (float)factor[(channel * rank) + r];
                shift -= mean[channel] * factor[(channel * rank) + r];
            }

            bias[r] = (float)shift;
        }
    }
}
