// Stage B in table mode, for one row: the distances of its keys become 8-bit probabilities, in place.
using System.Runtime.CompilerServices;
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class TableStage<TLookup>
    where TLookup : struct, IHammingLookup
{
    /// <summary>Computes one row.</summary>
    /// <param name="scratch">Holds the tables.</param>
    /// <param name="distances">Distances in, probabilities out.</param>
    /// <param name="keys">Selected keys that the row counts, at least 1 of them allowed.</param>
    /// <param name="words">One bit per selected key, 0 = masked; null if none of the row's keys is.</param>
    /// <param name="slope">The row's absolute slope.</param>
    /// <param name="dimension">Head dimension.</param>
    /// <param name="quantization">Tiled or TrainingParity.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static RowResult Row(BinaryScratch scratch, byte* distances, int keys, ulong* words, double slope, int dimension, ValueQuantization quantization)
    {
        if (words is not null)
        {
            keys = scratch.Selection.PaddedKeys;
            MaskedRows.Mark(distances, words, keys);
        }

        int minimum = TLookup.Minimum(distances, keys);
        double rowMax = slope * (dimension - (2 * minimum));
        if (words is not null)
        {
            MaskedRows.Subtract(distances, words, keys, minimum);
            minimum = 0;
        }

        if (quantization == ValueQuantization.TrainingParity)
        {
            // Masked keys are counted beyond the table.
            int* counts = stackalloc int[BinaryScratch.TableEntries];
            DistanceHistogram.Count(distances, keys, minimum, counts);
            double sum = NumeratorTable.RowSum(slope, new ReadOnlySpan<int>(counts, dimension + 1));
            int last = scratch.SetProbabilities(slope, sum, dimension + 1);
            TLookup.Map(distances, keys, minimum, scratch.Numerators, scratch.Residuals, last, out _);
            return RowResult.TrainingParity(rowMax, sum);
        }

        int lastEntry = scratch.SetNumerators(slope, dimension + 1);
        long numeratorSum = TLookup.Map(distances, keys, minimum, scratch.Numerators, scratch.Residuals, lastEntry, out long residualSum);
        return RowResult.Tiled(rowMax, numeratorSum, residualSum);
    }

    /// <summary>The same where distances exceed a byte: plain loops.</summary>
    public static RowResult LongRow(BinaryScratch scratch, int* distances, byte* probabilities, int keys, ulong* words, double slope, int dimension, ValueQuantization quantization)
    {
        if (words is not null)
        {
            MaskedRows.Mark(distances, words, keys, LongDistances.Masked);
        }

        return LongDistances.Map(scratch, new ReadOnlySpan<int>(distances, keys), new Span<byte>(probabilities, keys), slope, dimension, quantization);
    }
}
