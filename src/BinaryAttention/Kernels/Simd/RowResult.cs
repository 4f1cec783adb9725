// What stage B leaves for the epilogue of a row: the factor of its sums, and its log-sum-exp. All in one fixed order of operations (operator page, table mode).
namespace BinaryAttention.Kernels.Simd;

internal readonly record struct RowResult(float Factor, float LogSumExp, bool IsMasked)
{
    public static RowResult Masked => new(0, float.NegativeInfinity, IsMasked: true);

    /// <summary>Exact integer sums of numerators and residuals, in units of 1/255 and 1/(255 * 254).</summary>
    public static RowResult Tiled(double rowMax, long numeratorSum, long residualSum)
    {
        float rowSum = (float)numeratorSum + ((float)residualSum * (1f / 254f));
        return new RowResult(1f / rowSum, (float)(rowMax + Math.Log((double)rowSum / 255.0)), IsMasked: false);
    }

    /// <summary>The float sum of exponentials.</summary>
    public static RowResult TiledFloat(float rowMax, float rowSum) => new(1f / (255f * rowSum), (float)(rowMax + Math.Log(rowSum)), IsMasked: false);

    /// <summary>Probabilities are already normalised; the sum serves the log-sum-exp alone.</summary>
    public static RowResult TrainingParity(double rowMax, double rowSum) => new(1f / 255f, (float)(rowMax + Math.Log(rowSum)), IsMasked: false);

    /// <summary>Float probabilities.</summary>
    public static RowResult Full(float rowMax, float rowSum) => new(1f / rowSum, (float)(rowMax + Math.Log(rowSum)), IsMasked: false);
}
