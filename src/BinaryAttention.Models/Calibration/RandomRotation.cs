// Random orthonormal matrices. A rotation leaves dot products unchanged and makes channels alike, so that no sign is wasted on a channel that hardly varies.
// Powers of two: H D / sqrt(n), H the Walsh-Hadamard matrix and D random signs; every entry has the same magnitude, so every channel gets its share of every other.
// Other sizes: Gram-Schmidt on normal numbers. One generator (SplitMix64) on every platform, so that a seed means the same everywhere.
using System.Numerics;

namespace BinaryAttention.Models.Calibration;

internal static class RandomRotation
{
    /// <summary>A matrix <c>[size, size]</c>, row-major, with orthonormal rows.</summary>
    public static double[] Create(int size, ulong seed)
    {
        var random = new SplitMix64(seed);
        return BitOperations.IsPow2(size) ? Hadamard(size, ref random) : Orthonormal(size, ref random);
    }

    private static double[] Hadamard(int size, ref SplitMix64 random)
    {
        var signs = new double[size];
        for (int i = 0; i < size; i++)
        {
            signs[i] = (random.Next() & 1) == 0 ? 1 : -1;
        }

        double scale = 1 / Math.Sqrt(size);
        var matrix = new double[size * size];
        for (int row = 0; row < size; row++)
        {
            for (int column = 0; column < size; column++)
            {
                matrix[(row * size) + column] = scale * signs[column] * ((BitOperations.PopCount((uint)(row & column)) & 1) == 0 ? 1 : -1);
            }
        }

        return matrix;
    }

    private static double[] Orthonormal(int size, ref SplitMix64 random)
    {
        var matrix = new double[size * size];
        for (int row = 0; row < size; row++)
        {
            Span<double> current = matrix.AsSpan(row * size, size);
            for (int i = 0; i < size; i++)
            {
                current[i] = random.NextNormal();
            }

            // Twice: once leaves an error where the row nearly lies in the span of the others.
            for (int pass = 0; pass < 2; pass++)
            {
                for (int other = 0; other < row; other++)
                {
                    ReadOnlySpan<double> previous = matrix.AsSpan(other * size, size);
                    double dot = 0;
                    for (int i = 0; i < size; i++)
                    {
                        dot += current[i] * previous[i];
                    }

                    for (int i = 0; i < size; i++)
                    {
                        current[i] -= dot * previous[i];
                    }
                }
            }

            double norm = 0;
            foreach (double value in current)
            {
                norm += value * value;
            }

            norm = Math.Sqrt(norm);
            for (int i = 0; i < size; i++)
            {
                current[i] /= norm;
            }
        }

        return matrix;
    }
}
