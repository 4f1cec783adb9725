// The softmax numerators of one row in table mode, shared by every kernel so that all of them hold identical integers.
//
//   e_k = exp(-2 |slope| k),  slope = rowWeight * columnWeight * logitScale,  k = distance beyond the row's nearest key
//   P_k = round(255 e_k) in [0, 255]        R_k = round(254 (255 e_k - P_k)) in [-127, 127]
//
// so that 255 * rowSum = sum P + (sum R) / 254 with both sums exact integers (operator page, "Exact row sum, as integers").
// e_k is formed as r^(8a) * r^b by multiplication alone: one exponential a row instead of headDimension + 1, relative error below 1e-13, and the same bits at any vector width.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Quantization;

internal static class NumeratorTable
{
    private const int LaneCount = 8;

    /// <summary>Fills both tables for k = 0 .. numerators.Length - 1.</summary>
    /// <param name="slope">The absolute slope, at least 0.</param>
    /// <param name="numerators">Receives P.</param>
    /// <param name="residuals">Receives R; as long as <paramref name="numerators"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(double slope, Span<byte> numerators, Span<sbyte> residuals)
    {
        Debug.Assert(numerators.Length == residuals.Length && slope >= 0);
        var sequence = new ExponentialSequence(slope);
        Vector512<double> lanes = sequence.Lanes;
        double first = 1;
        for (int entry = 0; entry < numerators.Length; entry += LaneCount)
        {
            // 255 * 254 * first < 0.5 means that both tables round to 0 from here on.
            if (first < 7e-6)
            {
                numerators[entry..].Clear();
                residuals[entry..].Clear();
                return;
            }

            Vector512<double> scaled = Vector512.Create(255.0) * (lanes * Vector512.Create(first));
            Vector512<double> numerator = Vector512.Round(scaled);
            Vector512<double> residual = Vector512.Round(Vector512.Create(254.0) * (scaled - numerator));

            // Both are small integers, exact in float, so one conversion serves both tables.
            Vector512<int> integers = Vector512.ConvertToInt32(Vector512.Narrow(numerator, residual));
            Vector256<short> words = Vector256.Narrow(integers.GetLower(), integers.GetUpper());
            Vector128<sbyte> bytes = Vector128.Narrow(words.GetLower(), words.GetUpper());
            if (numerators.Length - entry >= LaneCount)
            {
                MemoryMarshal.Write(numerators[entry..], bytes.AsUInt64().GetElement(0));
                MemoryMarshal.Write(MemoryMarshal.AsBytes(residuals[entry..]), bytes.AsUInt64().GetElement(1));
            }
            else
            {
                for (int lane = 0; lane < numerators.Length - entry; lane++)
                {
                    numerators[entry + lane] = (byte)bytes.GetElement(lane);
                    residuals[entry + lane] = bytes.GetElement(LaneCount + lane);
                }
            }

            first *= sequence.Step;
        }
    }

    /// <summary>
    /// The training code's 8-bit probabilities, <c>round(255 e_k / rowSum)</c>, for k = 0 .. levels.Length - 1.
    /// </summary>
    /// <param name="slope">The absolute slope, at least 0.</param>
    /// <param name="rowSum">Sum of e over the row's keys, at least 1.</param>
    /// <param name="levels">Receives the levels.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FillProbabilities(double slope, double rowSum, Span<byte> levels)
    {
        var sequence = new ExponentialSequence(slope);
        Vector512<double> lanes = sequence.Lanes;
        double first = 1;
        for (int entry = 0; entry < levels.Length; entry += LaneCount)
        {
            // The exponentials descend: once a first level is 0, all levels from there on are.
            if (255.0 * (first / rowSum) < 0.5)
            {
                levels[entry..].Clear();
                return;
            }

            Vector512<double> scaled = Vector512.Create(255.0) * (lanes * Vector512.Create(first) / Vector512.Create(rowSum));
            // Small integers, exact in float.
            Vector256<int> rounded = Vector256.ConvertToInt32(Vector256.Narrow(Vector512.Round(scaled).GetLower(), Vector512.Round(scaled).GetUpper()));
            Vector128<short> words = Vector128.Narrow(rounded.GetLower(), rounded.GetUpper());
            ulong bytes = Vector128.Narrow(words.AsUInt16(), words.AsUInt16()).AsUInt64().ToScalar();
            int count = Math.Min(LaneCount, levels.Length - entry);
            if (count == LaneCount)
            {
                MemoryMarshal.Write(levels[entry..], bytes);
            }
            else
            {
                for (int lane = 0; lane < count; lane++)
                {
                    levels[entry + lane] = (byte)(bytes >> (8 * lane));
                }
            }

            first *= sequence.Step;
        }
    }

    /// <summary>The exact sum of e over a row, from how many keys lie at each distance; summed in ascending k.</summary>
    /// <param name="slope">The absolute slope, at least 0.</param>
    /// <param name="counts">Number of keys at distance k beyond the nearest.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double RowSum(double slope, ReadOnlySpan<int> counts)
    {
        // Nothing is added for distances that no key has.
        counts = counts[..(counts.LastIndexOfAnyExcept(0) + 1)];
        var sequence = new ExponentialSequence(slope);
        Vector512<double> lanes = sequence.Lanes;
        Span<double> exponentials = stackalloc double[LaneCount];
        double first = 1;
        double sum = 0;
        for (int entry = 0; entry < counts.Length; entry += LaneCount)
        {
            (lanes * Vector512.Create(first)).CopyTo(exponentials);
            int count = Math.Min(LaneCount, counts.Length - entry);
            for (int lane = 0; lane < count; lane++)
            {
                sum += counts[entry + lane] * exponentials[lane];
            }

            first *= sequence.Step;
        }

        return sum;
    }

    // e_0 .. e_7, and e_8: the factor from one group of eight to the next.
    private readonly struct ExponentialSequence
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public ExponentialSequence(double slope)
        {
            double low1 = PortableExponential.Exp(-2.0 * slope);
            double squared = low1 * low1;
            double fourth = squared * squared;
            Step = fourth * fourth;
            Span<double> low = stackalloc double[LaneCount];
            low[0] = 1;
            for (int lane = 1; lane < LaneCount; lane++)
            {
                low[lane] = low[lane - 1] * low1;
            }

            Lanes = Vector512.Create<double>(low);
        }

        public Vector512<double> Lanes { get; }

        public double Step { get; }
    }
}
