// What stage B leaves for the epilogue of a row: the factor of its sums and what its log-sum-exp is made of. All in one fixed order of operations (numerics page, table mode).
namespace BinaryAttention.Kernels.Simd;

/// <param name="Factor">Multiplies the row's sums.</param>
/// <param name="RowMax">The row's largest logit.</param>
/// <param name="RowSum">Sum of exp(logit - RowMax); 0 for a row without an allowed key.</param>
internal readonly record struct RowResult(float Factor, double RowMax, double RowSum)
{
    /// <summary>A row without an allowed key.</summary>
    public static RowResult Masked => new(0, 0, 0);

    public bool IsMasked => RowSum == 0;

    /// <summary>Computed on demand: most callers do not ask for it, and a logarithm is a fifth of a short row's time.</summary>
    public float LogSumExp => IsMasked ? float.NegativeInfinity : (float)(RowMax + Math.Log(RowSum));

    /// <summary>Exact integer sums of numerators and residuals, in units of 1/255 and 1/(255 * 254).</summary>
    public static RowResult Tiled(double rowMax, long numeratorSum, long residualSum)
    {
        float rowSum = (float)numeratorSum + ((float)residualSum * (1f / 254f));
        return new RowResult(1f / rowSum, rowMax, (double)rowSum / 255.0);
    }

    /// <summary>The float sum of exponentials.</summary>
    public static RowResult TiledFloat(double rowMax, float rowSum) => new(1f / (255f * rowSum), rowMax, rowSum);

    /// <summary>Probabilities are already normalised; the sum serves the log-sum-exp alone.</summary>
    public static RowResult TrainingParity(double rowMax, double rowSum) => new(1f / 255f, rowMax, rowSum);

    /// <summary>Float probabilities.</summary>
    public static RowResult Full(double rowMax, float rowSum) => new(1f / rowSum, rowMax, rowSum);
}
