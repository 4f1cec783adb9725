// Fits a relative-position table to another square grid, as the public code does (it follows BEiT): the offsets of the source grid are spread so that near
// ones keep their distance and far ones stretch.
//
//   source coordinates: 0, and symmetrically +-1, +-(1 + q), +-(1 + q + q^2), ... with q found by bisection so that the farthest meets the new grid's edge
//   target coordinates: the integers of the new grid's offsets
//
// Between them a tensor-product cubic spline with not-a-knot ends; the three class-token rows are copied.
namespace BinaryAttention.Models.Vision;

internal static class RelativeTableResampling
{
    private const int ClassTokenRows = 3;

    /// <summary>Resizes a table <c>[(2 grid - 1)^2 + 3, headCount]</c> to another square grid.</summary>
    /// <exception cref="NotSupportedException">The source grid is too small for a cubic spline.</exception>
    public static float[] Resize(ReadOnlySpan<float> table, int grid, int newGrid, int headCount)
    {
        int size = (2 * grid) - 1, newSize = (2 * newGrid) - 1;
        if (table.Length != ((size * size) + ClassTokenRows) * headCount)
        {
            throw new ArgumentException($"table has {table.Length} values; a {grid} x {grid} grid and {headCount} heads need {(size * size) + ClassTokenRows} x {headCount}.", nameof(table));
        }

        if (grid == newGrid)
        {
            return table.ToArray();
        }

        if (size < NotAKnotSpline.SmallestSampleCount)
        {
            throw new NotSupportedException($"The relative-position table was made for a {grid} x {grid} grid; resizing it needs at least 3 x 3.");
        }

        var targets = new double[newSize];
        for (int i = 0; i < newSize; i++)
        {
            targets[i] = i - (newSize / 2);
        }

        double[] weights = NotAKnotSpline.Matrix(SourceCoordinates(size, newSize), targets);
        var result = new float[((newSize * newSize) + ClassTokenRows) * headCount];
        var rows = new double[newSize * size];
        for (int head = 0; head < headCount; head++)
        {
            // Vertically into rows [newSize, size], then horizontally.
            for (int y = 0; y < newSize; y++)
            {
                for (int x = 0; x < size; x++)
                {
                    double sum = 0;
                    for (int k = 0; k < size; k++)
                    {
                        sum += weights[(y * size) + k] * table[(((k * size) + x) * headCount) + head];
                    }

                    rows[(y * size) + x] = sum;
                }
            }

            for (int y = 0; y < newSize; y++)
            {
                for (int x = 0; x < newSize; x++)
                {
                    double sum = 0;
                    for (int k = 0; k < size; k++)
                    {
                        sum += weights[(x * size) + k] * rows[(y * size) + k];
                    }

                    result[(((y * newSize) + x) * headCount) + head] = (float)sum;
                }
            }
        }

        table[^(ClassTokenRows * headCount)..].CopyTo(result.AsSpan(result.Length - (ClassTokenRows * headCount)));
        return result;
    }

    /// <summary>Where the offsets of the source grid come to lie among those of the new grid.</summary>
    public static double[] SourceCoordinates(int size, int newSize)
    {
        int steps = size / 2;
        double low = 1.01, high = 1.5, ratio = low;
        while (high - low > 1e-6)
        {
            ratio = (low + high) / 2;
            double reach = (1 - Math.Pow(ratio, steps)) / (1 - ratio);
            if (reach > newSize / 2)
            {
                high = ratio;
            }
            else
            {
                low = ratio;
            }
        }

        var coordinates = new double[size];
        double distance = 1;
        for (int i = 0; i < steps; i++)
        {
            coordinates[steps + 1 + i] = distance;
            coordinates[steps - 1 - i] = -distance;
            distance += Math.Pow(ratio, i + 1);
        }

        return coordinates;
    }
}
