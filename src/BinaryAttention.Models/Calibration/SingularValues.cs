// Singular values of a small square matrix by one-sided Jacobi rotations (Hestenes 1958): pairs of columns are turned until all are orthogonal. Accurate also for small
// values, and short; the matrices here have 64 columns.
namespace BinaryAttention.Models.Calibration;

internal sealed class SingularValues
{
    private const int MaxSweeps = 60;
    private const double Tolerance = 1e-14;

    private SingularValues(double[] left, double[] values, double[] right) => (Left, Values, Right) = (left, values, right);

    /// <summary>Left vectors as columns <c>[size, size]</c>.</summary>
    public double[] Left { get; }

    /// <summary>Largest first.</summary>
    public double[] Values { get; }

    /// <summary>Right vectors as columns <c>[size, size]</c>.</summary>
    public double[] Right { get; }

    /// <summary><c>matrix = Left diag(Values) Right^T</c>; columns of Left whose value is 0 are 0.</summary>
    public static SingularValues Decompose(double[] matrix, int size)
    {
        // Columns as rows, so that a pair lies in two runs of memory.
        var columns = new double[size * size];
        var turns = new double[size * size];
        for (int i = 0; i < size; i++)
        {
            turns[(i * size) + i] = 1;
            for (int j = 0; j < size; j++)
            {
                columns[(j * size) + i] = matrix[(i * size) + j];
            }
        }

        bool hasTurned = true;
        for (int sweep = 0; sweep < MaxSweeps && hasTurned; sweep++)
        {
            hasTurned = false;
            for (int first = 0; first < size; first++)
            {
                for (int second = first + 1; second < size; second++)
                {
                    hasTurned |= Turn(columns, turns, first, second, size);
                }
            }
        }

        var norms = new double[size];
        for (int i = 0; i < size; i++)
        {
            norms[i] = Math.Sqrt(Dot(columns, i, i, size));
        }

        int[] order = [.. Enumerable.Range(0, size).OrderByDescending(i => norms[i]).ThenBy(static i => i)];
        double[] left = new double[size * size], right = new double[size * size], values = new double[size];
        for (int rank = 0; rank < size; rank++)
        {
            int from = order[rank];
            values[rank] = norms[from];
            for (int i = 0; i < size; i++)
            {
                left[(i * size) + rank] = norms[from] > 0 ? columns[(from * size) + i] / norms[from] : 0;
                right[(i * size) + rank] = turns[(from * size) + i];
            }
        }

        return new SingularValues(left, values, right);
    }

    private static bool Turn(double[] columns, double[] turns, int first, int second, int size)
    {
        double a = Dot(columns, first, first, size), b = Dot(columns, second, second, size), c = Dot(columns, first, second, size);
        if (Math.Abs(c) <= Tolerance * Math.Sqrt(a * b))
        {
            return false;
        }

        double zeta = (b - a) / (2 * c);
        double tangent = (zeta >= 0 ? 1 : -1) / (Math.Abs(zeta) + Math.Sqrt(1 + (zeta * zeta)));
        double cosine = 1 / Math.Sqrt(1 + (tangent * tangent)), sine = cosine * tangent;
        Rotate(columns, first, second, size, cosine, sine);
        Rotate(turns, first, second, size, cosine, sine);
        return true;
    }

    private static void Rotate(double[] rows, int first, int second, int size, double cosine, double sine)
    {
        for (int i = 0; i < size; i++)
        {
            double x = rows[(first * size) + i], y = rows[(second * size) + i];
            rows[(first * size) + i] = (cosine * x) - (sine * y);
            rows[(second * size) + i] = (sine * x) + (cosine * y);
        }
    }

    private static double Dot(double[] rows, int first, int second, int size)
    {
        double sum = 0;
        for (int i = 0; i < size; i++)
        {
            sum += rows[(first * size) + i] * rows[(second * size) + i];
        }

        return sum;
    }
}
