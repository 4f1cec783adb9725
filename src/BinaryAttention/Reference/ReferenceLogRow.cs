// A row in log mode: with a bias or per-token key weights every pair has its own exponential, in double here.
//   Tiled:           level = round(255 e),  rowSum = 255 sum e          TrainingParity:  level = clamp(round(255 p), 0, 255)
namespace BinaryAttention.Reference;

internal static class ReferenceLogRow
{
    public static ReferenceRow Compute(ReferenceBinaryHead head, int query)
    {
        var row = new double[head.ColumnWeights.Length];
        head.Logits(query, row);
        (double rowMax, double rowSum) = ReferenceSoftmax.Exponentials(row);
        if (rowSum == 0)
        {
            return new ReferenceRow(new int[row.Length], 0, float.NegativeInfinity);
        }

        bool isNormalised = head.Specification.Quantization == ValueQuantization.TrainingParity;
        int[] levels = Array.ConvertAll(row, numerator => ProbabilityQuantizer.Level(isNormalised ? numerator / rowSum : numerator));
        return new ReferenceRow(levels, (float)(255.0 * rowSum), (float)(rowMax + Math.Log(rowSum)));
    }
}
