// Softmax of one row of logits in double. A logit of -infinity is a masked pair.
namespace BinaryAttention.Reference;

internal static class ReferenceSoftmax
{
    /// <summary>Replaces logits by <c>exp(logit - rowMax)</c>. A row without any allowed key gives zeros, sum 0 and maximum -infinity.</summary>
    public static (double RowMax, double RowSum) Exponentials(Span<double> row)
    {
        double rowMax = double.NegativeInfinity;
        foreach (double logit in row)
        {
            rowMax = Math.Max(rowMax, logit); // NaN propagates
        }

        double rowSum = 0;
        for (int key = 0; key < row.Length; key++)
        {
            row[key] = double.IsNegativeInfinity(row[key]) ? 0 : Math.Exp(row[key] - rowMax);
            rowSum += row[key];
        }

        return (rowMax, rowSum);
    }

    /// <summary>Replaces logits by probabilities; zeros for a row without any allowed key.</summary>
    public static void Probabilities(Span<double> row)
    {
        (_, double rowSum) = Exponentials(row);
        for (int key = 0; key < row.Length; key++)
        {
            row[key] = rowSum == 0 ? 0 : row[key] / rowSum;
        }
    }
}
