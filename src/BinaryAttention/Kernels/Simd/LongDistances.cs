// Head dimensions above 254, where a distance does not fit into a byte: plain loops over sign words. Rare, so simple; 32-bit distances, because a head dimension is any int.
using System.Numerics;
using BinaryAttention.Bits;
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class LongDistances
{
    /// <summary>Stands for the distance of a masked key.</summary>
    public const int Masked = int.MaxValue;

    public static void Find(ulong* query, ulong* keys, int count, int dimension, bool flip, int* distances)
    {
        int words = SignRow.Words(dimension);
        for (int key = 0; key < count; key++)
        {
            int distance = 0;
            for (int word = 0; word < words; word++)
            {
                distance += BitOperations.PopCount(query[word] ^ keys[((long)key * words) + word]);
            }

            distances[key] = flip ? dimension - distance : distance;
        }
    }

    /// <summary>Table mode: distances to probabilities, with the same sums as the byte tables. At least one key is not masked.</summary>
    public static RowResult Map(BinaryScratch scratch, ReadOnlySpan<int> distances, Span<byte> probabilities, double slope, int dimension, ValueQuantization quantization)
    {
        int minimum = dimension;
        foreach (int distance in distances)
        {
            minimum = Math.Min(minimum, distance);
        }

        var numerators = new Span<byte>(scratch.Numerators, dimension + 1);
        var residuals = new Span<sbyte>(scratch.Residuals, dimension + 1);
        double rowMax = slope * (dimension - (2 * minimum));
        double probabilitySum = 0;
        if (quantization == ValueQuantization.TrainingParity)
        {
            var counts = new Span<int>(scratch.LongCounts, dimension + 1);
            counts.Clear();
            foreach (int distance in distances)
            {
                if (distance != Masked)
                {
                    counts[distance - minimum]++;
                }
            }

            probabilitySum = NumeratorTable.RowSum(slope, counts);
            NumeratorTable.FillProbabilities(slope, probabilitySum, numerators);
        }
        else
        {
            NumeratorTable.Fill(slope, numerators, residuals);
        }

        // Residuals of TrainingParity are never filled; its sums are not used.
        long numeratorSum = 0;
        long residualSum = 0;
        for (int key = 0; key < distances.Length; key++)
        {
            if (distances[key] == Masked)
            {
                probabilities[key] = 0;
                continue;
            }

            int entry = distances[key] - minimum;
            probabilities[key] = numerators[entry];
            numeratorSum += numerators[entry];
            residualSum += residuals[entry];
        }

        return quantization == ValueQuantization.TrainingParity ? RowResult.TrainingParity(rowMax, probabilitySum) : RowResult.Tiled(rowMax, numeratorSum, residualSum);
    }

    /// <summary>Logits of one term; a bias of null counts as 0.</summary>
    public static void Logits(in LogitTerm term, int keys, int dimension, float* bias, float* logits)
    {
        float rowFactor = term.RowWeight * term.Scale;
        for (int key = 0; key < keys; key++)
        {
            logits[key] = (rowFactor * term.ColumnWeights[key] * (dimension - (2 * term.LongDistances[key]))) + (bias is null ? 0 : bias[key]);
        }
    }
}
