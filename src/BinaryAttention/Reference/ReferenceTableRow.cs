// A row in table mode: no bias and one key weight a head, so that a numerator depends on the Hamming distance alone. All kernels agree here to the bit.
//   slope = rowWeight * columnWeight * logitScale;   h' = h, or d - h if the slope is negative;   k = h' - min h'
//   Tiled:           level = P[k],  rowSum = sum P + sum R / 254                               (NumeratorTable)
//   TrainingParity:  level = round(255 e_k / sum e)
using BinaryAttention.Quantization;

namespace BinaryAttention.Reference;

internal static class ReferenceTableRow
{
    public static ReferenceRow Compute(ReferenceBinaryHead head, int query)
    {
        int dimension = head.Specification.Shape.HeadDimension;
        double slope = (double)head.RowWeights[query] * (double)head.ColumnWeights[0] * (double)head.Specification.LogitScale;
        var distances = new int[head.ColumnWeights.Length];
        for (int key = 0; key < distances.Length; key++)
        {
            int distance = head.HammingDistance(query, key);
            distances[key] = slope < 0 ? dimension - distance : distance;
        }

        slope = Math.Abs(slope);
        int nearest = distances.Min();
        double rowMaxLogit = slope * (dimension - (2 * nearest));
        for (int key = 0; key < distances.Length; key++)
        {
            distances[key] -= nearest;
        }

        return head.Specification.Quantization == ValueQuantization.TrainingParity
            ? TrainingParity(distances, dimension, slope, rowMaxLogit)
            : Tiled(distances, dimension, slope, rowMaxLogit);
    }

    private static ReferenceRow Tiled(int[] distances, int dimension, double slope, double rowMaxLogit)
    {
        var numerators = new byte[dimension + 1];
        var residuals = new sbyte[dimension + 1];
        NumeratorTable.Fill(slope, numerators, residuals);
        long numeratorSum = 0;
        long residualSum = 0;
        foreach (int distance in distances)
        {
            numeratorSum += numerators[distance];
            residualSum += residuals[distance];
        }

        float scaledResidual = (float)residualSum * (1f / 254f);
        float rowSum = (float)numeratorSum + scaledResidual;
        int[] levels = Array.ConvertAll(distances, distance => (int)numerators[distance]);
        return new ReferenceRow(levels, rowSum, (float)(rowMaxLogit + Math.Log((double)rowSum / 255.0)));
    }

    private static ReferenceRow TrainingParity(int[] distances, int dimension, double slope, double rowMaxLogit)
    {
        var counts = new int[dimension + 1];
        foreach (int distance in distances)
        {
            counts[distance]++;
        }

        double rowSum = NumeratorTable.RowSum(slope, counts);
        var table = new byte[dimension + 1];
        NumeratorTable.FillProbabilities(slope, rowSum, table);
        int[] levels = Array.ConvertAll(distances, distance => (int)table[distance]);
        return new ReferenceRow(levels, (float)(255.0 * rowSum), (float)(rowMaxLogit + Math.Log(rowSum)));
    }
}
