// Stage B with float logits, for one row: logit = sum over plane pairs of rowWeight * columnWeight * scale * signDot, plus bias; then exponentials and, unless Full, 8-bit probabilities.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class LogitStage<TFloat, TFloatLanes>
    where TFloat : struct
    where TFloatLanes : struct, IFloatLanes<TFloat>
{
    /// <summary>Computes one row.</summary>
    /// <param name="terms">One term per pair of planes.</param>
    /// <param name="keys">Selected keys that the row counts, at least 1.</param>
    /// <param name="dimension">Head dimension.</param>
    /// <param name="bias">One bias per selected key, or null.</param>
    /// <param name="words">One bit per selected key, 0 = masked; null if none of the row's keys is.</param>
    /// <param name="quantization">What the row becomes.</param>
    /// <param name="logits">Room for the logits; in Full mode the exponentials stay there.</param>
    /// <param name="probabilities">Receives the 8-bit probabilities, except in Full mode.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static RowResult Row(ReadOnlySpan<LogitTerm> terms, int keys, int dimension, float* bias, ulong* words, ValueQuantization quantization, float* logits, byte* probabilities)
    {
        float* added = bias;
        foreach (ref readonly LogitTerm term in terms)
        {
            if (term.LongDistances is null)
            {
                LogitRows<TFloat, TFloatLanes>.Logits(term.Distances, keys, dimension, term.RowWeight * term.Scale, term.ColumnWeights, added, logits);
            }
            else
            {
                LongDistances.Logits(term, keys, dimension, added, logits);
            }

            added = logits;
        }

        if (words is not null)
        {
            MaskedRows.SetMinusInfinity(logits, words, keys);
        }

        // Whole vectors; a key group of the integer product never reaches beyond them.
        int padded = (keys + TFloatLanes.Count - 1) / TFloatLanes.Count * TFloatLanes.Count;
        new Span<float>(logits + keys, padded - keys).Fill(float.NegativeInfinity);
        double rowMax = LogitRows<TFloat, TFloatLanes>.Max(logits, padded);
        float rowSum = double.IsFinite(rowMax) ? LogitRows<TFloat, TFloatLanes>.Exponentials(logits, padded, (float)rowMax) : float.NaN;
        if (float.IsNaN(rowSum))
        {
            // Masked throughout, or a logit is beyond float32 (an infinity, or a NaN from infinity times 0), which the maximum may have lost to the padding.
            rowSum = LogitsBeyondFloat.Exponentials(terms, keys, dimension, bias, words, logits, out rowMax);
            new Span<float>(logits + keys, padded - keys).Clear();
            if (rowSum == 0)
            {
                new Span<byte>(probabilities, padded).Clear();
                return RowResult.Masked;
            }
        }

        switch (quantization)
        {
            case ValueQuantization.Tiled:
                LogitRows<TFloat, TFloatLanes>.Quantize(logits, padded, 255f, probabilities);
                return RowResult.TiledFloat(rowMax, rowSum);
            case ValueQuantization.TrainingParity:
                LogitRows<TFloat, TFloatLanes>.Quantize(logits, padded, 255f / rowSum, probabilities);
                return RowResult.TrainingParity(rowMax, rowSum);
            default:
                return RowResult.Full(rowMax, rowSum);
        }
    }
}
