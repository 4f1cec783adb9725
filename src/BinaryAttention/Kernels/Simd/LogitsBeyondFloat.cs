// A row of exponentials whose logits do not all fit float32 (weights of 1e20 on both sides, a large bias on top), in double as the reference has it: finite operands must not
// give NaN, nor a row of logits below -3.4e38 pass for a masked one. Rare, so a plain loop.
namespace BinaryAttention.Kernels.Simd;

internal static unsafe class LogitsBeyondFloat
{
    /// <summary>Fills exp(logit - rowMax) and gives their sum; zeros and 0 for a row without an allowed key.</summary>
    /// <param name="terms">The products whose sum is the logit.</param>
    /// <param name="keys">Selected keys.</param>
    /// <param name="dimension">Head dimension.</param>
    /// <param name="bias">One bias per key, or null.</param>
    /// <param name="words">One bit per key, 0 = masked, or null.</param>
    /// <param name="exponentials">Receives one exponential per key.</param>
    /// <param name="rowMax">Receives the largest logit.</param>
    public static float Exponentials(ReadOnlySpan<LogitTerm> terms, int keys, int dimension, float* bias, ulong* words, float* exponentials, out double rowMax)
    {
        rowMax = double.NegativeInfinity;

        // The usual reason for coming here, found fast.
        if (bias is not null && !new ReadOnlySpan<float>(bias, keys).ContainsAnyExcept(float.NegativeInfinity))
        {
            new Span<float>(exponentials, keys).Clear();
            return 0;
        }

        for (int key = 0; key < keys; key++)
        {
            rowMax = Math.Max(rowMax, Logit(terms, key, dimension, bias, words));
        }

        double sum = 0;
        for (int key = 0; key < keys; key++)
        {
            double logit = Logit(terms, key, dimension, bias, words);
            double exponential = double.IsNegativeInfinity(logit) ? 0 : Math.Exp(logit - rowMax);
            exponentials[key] = (float)exponential;
            sum += exponential;
        }

        return (float)sum;
    }

    private static double Logit(ReadOnlySpan<LogitTerm> terms, int key, int dimension, float* bias, ulong* words)
    {
        if (words is not null && ((words[key / 64] >> (key % 64)) & 1) == 0)
        {
            return double.NegativeInfinity;
        }

        double logit = bias is null ? 0 : bias[key];
        foreach (LogitTerm term in terms)
        {
            int distance = term.LongDistances is null ? term.Distances[key] : term.LongDistances[key];
            logit += (double)term.RowWeight * term.Scale * term.ColumnWeights[key] * (dimension - (2 * distance));
        }

        return logit;
    }
}
