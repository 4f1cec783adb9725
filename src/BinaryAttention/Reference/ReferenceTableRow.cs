// A row in table mode: no bias and one key weight a head, so that a numerator depends on the Hamming distance alone. All kernels agree here to the bit.
//   slope = rowWeight * columnWeight * logitScale;   h' = h, or d - h if the slope is negative;   k = h' - min h' over allowed keys
//   Tiled:           level = P[k],  rowSum = sum P + sum R / 254                               (NumeratorTable)
//   TrainingParity:  level = round(255 e_k / sum e)
using BinaryAttention.Quantization;

namespace BinaryAttention.Reference;

internal static class ReferenceTableRow
{
    // Stands for the distance of a masked key.
    private const int Masked = -1;

    public static ReferenceRow Compute(ReferenceBinaryHead head, int query)
    {
        int dimension = head.Specification.Shape.HeadDimension;
        double slope = (double)head.RowWeights[query] * (double)head.ColumnWeights[0] * (double)head.Scale;
        var distances = new int[head.ColumnWeights.Length];
        int nearest = int.MaxValue;
        for (int key = 0; key < distances.Length; key++)
        {
            if (!head.Allows(query, key))
            {
                distances[key] = Masked;
                continue;
            }

            int distance = head.HammingDistance(query, key);
            distances[key] = slope < 0 ? dimension - distance : distance;
            nearest = Math.Min(nearest, distances[key]);
        }

        if (nearest == int.MaxValue)
        {
            return new ReferenceRow(new int[distances.Length], 0, float.NegativeInfinity);
        }

        slope = Math.Abs(slope);
        double rowMaxLogit = slope * (dimension - (2 * nearest));
        distances = Array.ConvertAll(distances, distance => distance == Masked ? Masked : distance - nearest);
        return head.Specification.Quantization == ValueQuantization.TrainingParity
            ? TrainingParity(distances, dimension, slope, rowMaxLogit)
            : Tiled(distances, dimension, slope, rowMaxLogit);
    }

    private static ReferenceRow Tiled(int[] distances, int dimension, double slope, double rowMaxLogit)
    {
        var numerators = new byte[dimension + 1];
        var residuals = new sbyte[dimension + 1];
        NumeratorTable.Fill(slope, numerators, residuals);
        int[] levels = Array.ConvertAll(distances, distance => distance == Masked ? 0 : numerators[distance]);
        long numeratorSum = levels.Sum(static level => (long)level);
        long residualSum = distances.Sum(distance => distance == Masked ? 0L : residuals[distance]);
        float scaledResidual = (float)residualSum * (1f / 254f);
        float rowSum = (float)numeratorSum + scaledResidual;
        return new ReferenceRow(levels, rowSum, (float)(rowMaxLogit + Math.Log((double)rowSum / 255.0)));
    }

    private static ReferenceRow TrainingParity(int[] distances, int dimension, double slope, double rowMaxLogit)
    {
        var counts = new int[dimension + 1];
        foreach (int distance in distances.Where(static distance => distance != Masked))
        {
            counts[distance]++;
        }

        double rowSum = NumeratorTable.RowSum(slope, counts);
        var table = new byte[dimension + 1];
        NumeratorTable.FillProbabilities(slope, rowSum, table);
        int[] levels = Array.ConvertAll(distances, distance => distance == Masked ? 0 : table[distance]);
        return new ReferenceRow(levels, (float)(255.0 * rowSum), (float)(rowMaxLogit + Math.Log(rowSum)));
    }
}
