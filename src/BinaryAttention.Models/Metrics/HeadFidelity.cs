namespace BinaryAttention.Models.Metrics;

/// <summary>
/// How far one-bit attention is from exact attention in one (batch item, head). With p the exact and q the one-bit probabilities of a row (both of float arithmetic; see
/// <see cref="AttentionFidelity"/>), O the outputs. Figures of special rows are NaN if there are none.
/// </summary>
/// <param name="MapDivergence">Kullback-Leibler divergence <c>sum_j p_j ln(p_j / q_j)</c> in nats, mean over the query rows; 0 if equal.</param>
/// <param name="SpecialRowDivergence">The same over the rows of the special (class) tokens alone.</param>
/// <param name="MapCosine">Cosine similarity <c>p.q / (|p| |q|)</c>, mean over the query rows; 1 if parallel.</param>
/// <param name="SpecialRowCosine">The same over the rows of the special tokens alone.</param>
/// <param name="OutputError"><c>|O_one-bit - O_exact| / |O_exact|</c> over all rows and channels, one-bit as it runs: with the caller's 8-bit probabilities and values.</param>
/// <param name="SpecialRowOutputError">The same over the rows of the special tokens alone.</param>
/// <param name="SignError">The part of the signs: <c>|O_float - O_exact| / |O_exact|</c>, one-bit queries and keys with float probabilities and values.</param>
/// <param name="QuantizationError">The part of the 8-bit probabilities and values: <c>|O_one-bit - O_float| / |O_exact|</c>.</param>
public readonly record struct HeadFidelity(
    double MapDivergence,
    double SpecialRowDivergence,
    double MapCosine,
    double SpecialRowCosine,
    double OutputError,
    double SpecialRowOutputError,
    double SignError,
    double QuantizationError)
{
    /// <summary>The mean of each figure over several measurements of one head.</summary>
    /// <param name="measurements">At least one.</param>
    /// <exception cref="ArgumentException">There are none.</exception>
    public static HeadFidelity Mean(IReadOnlyCollection<HeadFidelity> measurements)
    {
        ArgumentNullException.ThrowIfNull(measurements);
        if (measurements.Count == 0)
        {
            throw new ArgumentException("measurements is empty; a mean needs at least one.", nameof(measurements));
        }

        return new HeadFidelity(
            measurements.Average(static one => one.MapDivergence),
            measurements.Average(static one => one.SpecialRowDivergence),
            measurements.Average(static one => one.MapCosine),
            measurements.Average(static one => one.SpecialRowCosine),
            measurements.Average(static one => one.OutputError),
            measurements.Average(static one => one.SpecialRowOutputError),
            measurements.Average(static one => one.SignError),
            measurements.Average(static one => one.QuantizationError));
    }
}
