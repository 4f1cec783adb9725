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
    private const int Lanes = 8;

    /// <summary>Fills both tables for k = 0 .. numerators.Length - 1.</summary>
    /// <param name="slope">The absolute slope, at least 0.</param>
    /// <param name="numerators">Receives P.</param>
    /// <param name="residuals">Receives R; as long as <paramref name="numerators"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(double slope, Span<byte> numerators, Span<sbyte> residuals)
    {
        Debug.Assert(numerators.Length == residuals.Length && slope >= 0);
        Span<double> low = stackalloc double[Lanes];
        var sequence = new ExponentialSequence(slope);
        sequence.Next(low);
        Vector512<double> lanes = Vector512.Create<double>(low);
        double first = 1;
        for (int entry = 0; entry < numerators.Length; entry += Lanes)
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
            if (numerators.Length - entry >= Lanes)
            {
                MemoryMarshal.Write(numerators[entry..], bytes.AsUInt64().GetElement(0));
                MemoryMarshal.Write(MemoryMarshal.AsBytes(residuals[entry..]), bytes.AsUInt64().GetElement(1));
            }
            else
            {
                for (int lane = 0; lane < numerators.Length - entry; lane++)
                {
                    numerators[entry + lane] = (byte)bytes.GetElement(lane);
                    residuals[entry + lane] = bytes.GetElement(Lanes + lane);
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
    public static void FillProbabilities(double slope, double rowSum, Span<byte> levels)
    {
        Span<double> exponentials = stackalloc double[Lanes];
        var sequence = new ExponentialSequence(slope);
        for (int first = 0; first < levels.Length; first += Lanes)
        {
            sequence.Next(exponentials);
            if (255.0 * (exponentials[0] / rowSum) < 0.5)
            {
                // The exponentials descend: all levels from here on are 0.
                levels[first..].Clear();
                return;
            }

            int count = Math.Min(Lanes, levels.Length - first);
            for (int lane = 0; lane < count; lane++)
            {
                levels[first + lane] = (byte)Math.Round(255.0 * (exponentials[lane] / rowSum), MidpointRounding.ToEven);
            }
        }
    }

    /// <summary>The exact sum of e over a row, from how many keys lie at each distance; summed in ascending k.</summary>
    /// <param name="slope">The absolute slope, at least 0.</param>
    /// <param name="counts">Number of keys at distance k beyond the nearest.</param>
    public static double RowSum(double slope, ReadOnlySpan<int> counts)
    {
        Span<double> exponentials = stackalloc double[Lanes];
        var sequence = new ExponentialSequence(slope);
        double sum = 0;
        for (int first = 0; first < counts.Length; first += Lanes)
        {
            sequence.Next(exponentials);
            int count = Math.Min(Lanes, counts.Length - first);
            for (int lane = 0; lane < count; lane++)
            {
                sum += counts[first + lane] * exponentials[lane];
            }
        }

        return sum;
    }

    /// <summary>Yields e_0 .. e_7, then e_8 .. e_15, and so on.</summary>
    private struct ExponentialSequence
    {
        private readonly double _low1;
        private double _base;

        public ExponentialSequence(double slope)
        {
            _low1 = Math.Exp(-2.0 * slope);
            double squared = _low1 * _low1;
            double fourth = squared * squared;
            Step = fourth * fourth;
            _base = 1;
        }

        /// <summary>e_8: the factor from one group of eight to the next.</summary>
        public readonly double Step { get; }

        public void Next(Span<double> exponentials)
        {
            double low = 1;
            for (int lane = 0; lane < Lanes; lane++)
            {
                exponentials[lane] = _base * low;
                low *= _low1;
            }

            _base *= Step;
        }
    }
}
