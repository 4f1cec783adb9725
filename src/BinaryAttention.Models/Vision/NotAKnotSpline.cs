// Interpolating cubic splines with not-a-knot ends (the third derivative is continuous at the second and at the last but one point), written as a matrix: the
// spline is linear in its data, so row t holds what every sample adds to the value at target t.
//
// With h_i = x_(i+1) - x_i and second derivatives M_i:   h_(i-1) M_(i-1) + 2 (h_(i-1) + h_i) M_i + h_i M_(i+1) = 6 (slope_i - slope_(i-1)),
// and at the ends   h_1 M_0 - (h_0 + h_1) M_1 + h_0 M_2 = 0. Sizes are tens, so the system is solved densely in double.
namespace BinaryAttention.Models.Vision;

internal static class NotAKnotSpline
{
    /// <summary>Fewest samples that define such a spline.</summary>
    public const int SmallestSampleCount = 4;

    /// <summary>The interpolation matrix <c>[targets, samples]</c>, row-major. Targets outside the samples' range are clamped to it.</summary>
    public static double[] Matrix(ReadOnlySpan<double> positions, ReadOnlySpan<double> targets)
    {
        int n = positions.Length;
        if (n < SmallestSampleCount)
        {
            throw new ArgumentException($"positions has {n} entries; a cubic spline needs at least {SmallestSampleCount}.", nameof(positions));
        }

        double[] curvature = SecondDerivatives(positions);
        var matrix = new double[targets.Length * n];
        for (int t = 0; t < targets.Length; t++)
        {
            double target = Math.Clamp(targets[t], positions[0], positions[n - 1]);
            int i = 0;
            while (i < n - 2 && target > positions[i + 1])
            {
                i++;
            }

            double h = positions[i + 1] - positions[i];
            double right = (target - positions[i]) / h, left = 1 - right;
            double leftCubic = ((left * left * left) - left) * h * h / 6, rightCubic = ((right * right * right) - right) * h * h / 6;
            for (int j = 0; j < n; j++)
            {
                matrix[(t * n) + j] = (leftCubic * curvature[(i * n) + j]) + (rightCubic * curvature[((i + 1) * n) + j]);
            }

            matrix[(t * n) + i] += left;
            matrix[(t * n) + i + 1] += right;
        }

        return matrix;
    }

    /// <summary>Second derivatives at the samples for every unit vector of data: <c>[samples, samples]</c>.</summary>
    private static double[] SecondDerivatives(ReadOnlySpan<double> x)
    {
        int n = x.Length;
        var left = new double[n * n];
        var right = new double[n * n];
        double h0 = x[1] - x[0], h1 = x[2] - x[1];
        (left[0], left[1], left[2]) = (h1, -(h0 + h1), h0);
        for (int i = 1; i < n - 1; i++)
        {
            double before = x[i] - x[i - 1], after = x[i + 1] - x[i];
            left[(i * n) + i - 1] = before;
            left[(i * n) + i] = 2 * (before + after);
            left[(i * n) + i + 1] = after;
            right[(i * n) + i - 1] = 6 / before;
            right[(i * n) + i] = (-6 / before) - (6 / after);
            right[(i * n) + i + 1] = 6 / after;
        }

        double last = x[n - 1] - x[n - 2], previous = x[n - 2] - x[n - 3];
        int row = (n - 1) * n;
        (left[row + n - 3], left[row + n - 2], left[row + n - 1]) = (last, -(last + previous), previous);
        Solve(left, right, n);
        return right;
    }

    /// <summary>Gaussian elimination with row pivoting; the solution replaces the right-hand sides.</summary>
    private static void Solve(double[] left, double[] right, int n)
    {
        for (int column = 0; column < n; column++)
        {
            int pivot = column;
            for (int row = column + 1; row < n; row++)
            {
                if (Math.Abs(left[(row * n) + column]) > Math.Abs(left[(pivot * n) + column]))
                {
                    pivot = row;
                }
            }

            for (int k = 0; pivot != column && k < n; k++)
            {
                (left[(pivot * n) + k], left[(column * n) + k]) = (left[(column * n) + k], left[(pivot * n) + k]);
                (right[(pivot * n) + k], right[(column * n) + k]) = (right[(column * n) + k], right[(pivot * n) + k]);
            }

            double inverse = 1 / left[(column * n) + column];
            for (int row = 0; row < n; row++)
            {
                double factor = left[(row * n) + column] * inverse;
                if (row == column || factor == 0)
                {
                    continue;
                }

                for (int k = 0; k < n; k++)
                {
                    left[(row * n) + k] -= factor * left[(column * n) + k];
                    right[(row * n) + k] -= factor * right[(column * n) + k];
                }
            }
        }

        for (int row = 0; row < n; row++)
        {
            for (int k = 0; k < n; k++)
            {
                right[(row * n) + k] /= left[(row * n) + row];
            }
        }
    }
}
